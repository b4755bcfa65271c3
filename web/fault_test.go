package web_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// refusals are what the browser writes when a handshake fails, and when the page then asks for the reason.
var refusals = regexp.MustCompile(`WebSocket connection to .* failed|Failed to load resource`)

// While the server is away a draft stays, what is said waits, even over a reload, and arrives once.
func TestServerGone(t *testing.T) {
	t.Parallel()
	f := startFake(t)
	alice := open(t, f.url, refusals).join("alice")
	bob := open(t, f.url, refusals).join("bob")
	alice.say("before")
	bob.wait(message("alice", "before"))

	f.crash()
	alice.wait(`document.querySelector('#banner').checkVisibility()`)
	alice.wait(shows("#status", "Reconnecting"))
	alice.say("from the dark")
	alice.wait(fate("from the dark", "queued"))
	alice.fill("#text", "half a thou")
	alice.screenshot("reconnecting")
	alice.do(chromedp.Reload())
	alice.wait(`document.querySelector('#text').value === 'half a thou'`)
	alice.wait(fate("from the dark", "queued"))

	f.rise(false)
	alice.wait(online)
	alice.wait(`!document.querySelector('#banner').checkVisibility()`)
	alice.wait(fate("from the dark", "stored"))
	alice.wait(message("alice", "before") + ` || ` + message("You", "before"))
	bob.wait(online)
	bob.wait(message("alice", "from the dark"))
	alice.press(enter)
	bob.wait(message("alice", "half a thou"))

	// A server that lost its log: the page forgets what it had of it.
	f.crash()
	f.rise(true)
	alice.wait(online)
	alice.say("a new beginning")
	bob.wait(message("alice", "a new beginning"))
	bob.wait(`document.querySelectorAll('.line').length === 1`)
}

// The real server is killed while somebody writes. What was written stays, what was said arrives once, in order.
func TestServerKilled(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	alice := open(t, s.url, refusals).join("alice")
	bob := open(t, s.url, refusals).join("bob")
	for _, u := range []*user{alice, bob} {
		u.goTo("go", "Join or create the room “go”")
		u.wait(shows("#chat-name", "go"))
	}
	alice.say("before the kill")
	bob.wait(message("alice", "before the kill"))
	bob.goTo("alice", "Write to alice")
	bob.say("between us, before")
	bob.wait(fate("between us, before", "delivered"))
	bob.pick("#chats", "go")

	alice.fill("#text", "half a thou")
	bob.wait(shows("#typing", "alice is typing"))
	s.kill()
	alice.wait(shows("#status", "Reconnecting"))
	bob.wait(shows("#status", "Reconnecting"))
	alice.do(chromedp.KeyEvent("ght"))
	alice.press(enter)
	alice.wait(fate("half a thought", "queued"))
	alice.fill("#text", "and the rest")
	s.start()
	alice.wait(online)
	bob.wait(online)
	if draft := evaluate[string](alice, `document.querySelector('#text').value`); draft != "and the rest" {
		t.Errorf("the draft became %q", draft)
	}
	alice.press(enter)
	bob.wait(message("alice", "half a thought"))
	bob.wait(message("alice", "and the rest"))
	const lines = `[...document.querySelectorAll('.line .text')].map((it) => it.textContent).join('|')`
	for name, u := range map[string]*user{"alice": alice, "bob": bob} {
		if read := evaluate[string](u, lines); read != "before the kill|half a thought|and the rest" {
			t.Errorf("%s reads %q", name, read)
		}
	}

	// A page that is loaded anew has all of it from the log.
	alice.do(chromedp.Reload())
	alice.wait(online)
	alice.wait(lines + ` === 'before the kill|half a thought|and the rest'`)
	alice.pick("#chats", "bob")
	alice.wait(message("bob", "between us, before"))

	// A server that is stopped in good order says so, and is waited for as well.
	s.stop()
	alice.wait(shows("#why", "The server is restarting"))
	s.start()
	alice.wait(online)
	bob.wait(online)
	alice.say("welcome back")
	bob.wait(unread("alice", 1))
}

// What a server does on a bad day costs neither a message nor shows one twice.
func TestBadDays(t *testing.T) {
	t.Parallel()
	f := startFake(t)
	alice := open(t, f.url, refusals).join("alice")
	bob := open(t, f.url, refusals).join("bob")
	alice.say("zero")
	bob.wait(message("alice", "zero"))

	t.Log("an ack is lost: the message is sent again, under the same id")
	f.locked(func() { f.loseAcks = true })
	alice.say("one")
	bob.wait(message("alice", "one"))
	f.locked(func() { f.loseAcks = false })
	alice.wait(fate("one", "stored"))
	alice.wait(message("You", "one"))

	t.Log("a slow reader's messages are skipped: it pages them")
	f.locked(func() { f.skip = true })
	alice.say("two")
	alice.say("three")
	bob.wait(message("alice", "three"))
	f.locked(func() { f.skip = false })
	bob.wait(message("alice", "two"))
	alice.say("four")
	bob.wait(message("alice", "four"))
	order := evaluate[string](bob, `[...document.querySelectorAll('.line .text')].map((it) => it.textContent).join(' ')`)
	if order != "zero one two three four" {
		t.Errorf("bob reads %q", order)
	}

	t.Log("the server asks to slow down: the message waits, and goes")
	f.locked(func() { f.refuse = frame{"code": 429, "message": "slow down", "retry": true, "retry_after_ms": 50} })
	alice.say("five")
	bob.wait(message("alice", "five"))

	t.Log("the server says bye, and when to come back")
	f.bye("alice", 4001, 100*time.Millisecond)
	alice.wait(shows("#why", "The server is restarting"))
	alice.wait(online)
	alice.say("six")
	bob.wait(message("alice", "six"))
}

// Who cannot get in learns why, and what to do.
func TestRefusals(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	open(t, s.url, refusals).join("alice")
	bob := open(t, s.url, refusals)
	for _, test := range []struct{ nick, told string }{
		{"alice", "This nickname is in use"},
		{"system", "does not take this nickname"},
		{"a/b", "does not take this nickname"},
		{"..", "cannot be used"},
	} {
		bob.login(test.nick)
		bob.wait(shows("#login-error", test.told))
		bob.wait(`document.activeElement.id === 'nick' && !document.querySelector('#join').disabled`)
	}
	bob.screenshot("refused")

	s.kill()
	bob.login("bob")
	bob.wait(shows("#login-error", "does not answer"))
	s.start()
	bob.join("bob")

	// Who logs out can come back under another nick, and sees nothing of before.
	bob.goTo("alice", "Write to alice")
	bob.say("a secret")
	bob.wait(message("You", "a secret"))
	bob.wait(allSent) // or the way out asks about what was not sent
	bob.do(chromedp.Click(chromedp.CSS("#menu")))
	bob.screenshot("settings")
	bob.do(chromedp.Click(chromedp.CSS("#leave")))
	bob.wait(`document.querySelector('#login').checkVisibility() && document.querySelector('#nick').value === 'bob'`)
	bob.join("robert")
	if left := evaluate[string](bob, `document.querySelector('#app').textContent`); strings.Contains(left, "secret") {
		t.Error("robert sees bob's messages")
	}
}

// The newest window has the nick; the older one says so, and can take it back.
func TestTakeover(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	first := open(t, s.url).join("alice")
	second := first.tab(s.url).join("alice")
	first.wait(shows("#why", "connected in another window"))
	second.say("from the second")
	second.wait(fate("from the second", "stored"))
	first.front()
	first.do(chromedp.Click(chromedp.CSS("#retry")))
	first.wait(online)
	first.wait(message("You", "from the second"))
	second.wait(shows("#why", "connected in another window"))
}
