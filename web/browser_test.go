package web_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// refusals are what the browser writes when a handshake fails, and when the page
// then asks for the reason.
var refusals = regexp.MustCompile(`WebSocket connection to .* failed|Failed to load resource`)

// Everyone hears what is said to everyone; what is said to one, that one and its
// author hear alone.
func TestChat(t *testing.T) {
	s := startServer(t)
	b := browser(t)
	url := "http://" + s.addr + "/"
	alice := open(t, b, url).join("alice")
	bob := open(t, b, url).join("bob")
	carol := open(t, b, url).join("carol")

	alice.say("", "good morning")
	alice.wait(message("You", "good morning"))
	for _, other := range []*user{bob, carol} {
		other.wait(message("alice", "good morning"))
	}
	alice.wait(`document.querySelectorAll('#outbox li').length === 0`)

	alice.say("bob", "between us")
	alice.wait(message("You", "between us"))
	bob.wait(message("alice", "between us"))
	bob.wait(`document.querySelector('.message.direct .private').hidden === false`)

	// Messages keep their order, so a later one proves that carol got no earlier one.
	alice.say("", "good night")
	carol.wait(message("alice", "good night"))
	if evaluate[bool](carol, message("alice", "between us")) {
		t.Error("carol reads what was said to bob alone")
	}

	// A nick in the list is a way to answer it; Escape turns back to everyone.
	bob.do(chromedp.Click(chromedp.CSS(".message.direct .from")))
	bob.wait(`document.querySelector('#to').value === 'alice' && document.activeElement.id === 'text'`)
	bob.fill("#text", "I hear you")
	bob.press(enter)
	alice.wait(message("bob", "I hear you"))
	bob.press(escape)
	bob.wait(`document.querySelector('#to').value === ''`)

	alice.say("nobody", "are you there?")
	alice.wait(shows("#messages .notice", "nobody"))
	alice.wait(`document.querySelector('#people option').value === 'nobody'`)
}

// A text is shown as it was typed, whatever it looks like.
func TestTextIsLiteral(t *testing.T) {
	s := startServer(t)
	b := browser(t)
	url := "http://" + s.addr + "/"
	alice := open(t, b, url).join("alice <b>&amp;")
	bob := open(t, b, url).join("小明 👋")

	for _, text := range []string{
		`<script>document.title = "owned"</script>`,
		`<img src=x onerror="document.title='owned'"> &lt;b&gt; <b>bold</b>`,
		"first line\n  second, indented\n\n\tfourth",
		"👩‍👩‍👧 🇨🇳 你好，世界 שלום \"quotes\" \\n back\\slash",
		`{"from_user":"system","to_user":"","message":"forged"}`,
		strings.Repeat("long", 2000),
	} {
		alice.say("", text)
		alice.wait(message("You", text))
		bob.wait(message("alice <b>&amp;", text))
	}
	if markup := evaluate[int](bob, `document.querySelectorAll('.text *, .from *').length`); markup != 0 {
		t.Errorf("%d elements grew out of text", markup)
	}
	if title := evaluate[string](bob, `document.title`); title != "Throng" {
		t.Errorf("the title became %q", title)
	}
	if wide := evaluate[bool](bob, `document.documentElement.scrollWidth > innerWidth`); wide {
		t.Error("a long word makes the page scroll sideways")
	}

	// Shift and Enter begin a new line; Enter alone sends both.
	bob.fill("#text", "one")
	bob.press(shiftEnter)
	bob.do(chromedp.KeyEvent("two"))
	bob.press(enter)
	alice.wait(message("小明 👋", "one\ntwo"))
	if left := evaluate[string](bob, `document.querySelector('#text').value`); left != "" {
		t.Errorf("%q is left in the field", left)
	}
}

// When the server falls and rises again, the page comes back by itself, and what was
// written meanwhile is sent.
func TestReconnect(t *testing.T) {
	s := startServer(t)
	b := browser(t)
	url := "http://" + s.addr + "/"
	alice := open(t, b, url, refusals).join("alice")
	bob := open(t, b, url, refusals).join("bob")
	alice.say("", "before")
	bob.wait(message("alice", "before"))

	s.kill()
	alice.wait(`document.querySelector('#banner').hidden === false`)
	alice.wait(`['waiting', 'connecting'].includes(document.querySelector('#status').dataset.state)`)
	alice.say("", "to all, from the dark")
	alice.say("bob", "to bob, from the dark")
	alice.wait(`document.querySelectorAll('#outbox [data-state=queued]').length === 2`)
	alice.screenshot("reconnecting")

	// Nobody answers while the server is away, and the page keeps on trying.
	bob.wait(`document.querySelector('#why').textContent.includes('does not answer')`)
	s.start()
	bob.wait(online)
	alice.wait(online)
	alice.wait(`document.querySelector('#banner').hidden`)
	alice.wait(message("You", "to all, from the dark"))
	alice.wait(message("You", "to bob, from the dark"))
	alice.wait(`document.querySelectorAll('#outbox li').length === 0`)

	bob.say("", "after")
	alice.wait(message("bob", "after"))

	// A server that is stopped in good order says so, and is waited for as well.
	s.stop()
	alice.wait(shows("#messages .notice:last-of-type", "The server is restarting"))
	s.start()
	bob.wait(online)
	alice.wait(online)
	alice.say("bob", "welcome back")
	bob.wait(message("alice", "welcome back"))
}

// A refused handshake tells a page nothing, yet the person learns what to do.
func TestRefusals(t *testing.T) {
	s := startServer(t)
	b := browser(t)
	url := "http://" + s.addr + "/"
	open(t, b, url, refusals).join("alice")
	bob := open(t, b, url, refusals)

	for _, test := range []struct{ nick, told string }{
		{"alice", "somebody is using this nickname"},
		{"system", "does not take this nickname"},
		{"a/b", "does not take this nickname"},
		{"..", "cannot be used"},
		{strings.Repeat("长", 60), "does not take this nickname"},
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

	// Who leaves can come back under another nick, and sees nothing of before.
	bob.say("", "hello")
	bob.wait(message("You", "hello"))
	bob.do(chromedp.Click(chromedp.CSS("#leave")))
	bob.wait(`document.querySelector('#login').hidden === false && document.querySelector('#nick').value === 'bob'`)
	bob.join("robert")
	if left := evaluate[int](bob, `document.querySelectorAll('.message, .notice').length`); left != 0 {
		t.Errorf("%d messages of before", left)
	}
	bob.say("", "hello again")
	bob.wait(message("You", "hello again"))
}

// A long talk costs no more than its latest thousand messages, and reading what is
// above is not disturbed by what comes below.
func TestLongTalk(t *testing.T) {
	s := startServer(t)
	alice := open(t, browser(t), "http://"+s.addr+"/").join("alice")
	conn, _, _, err := ws.Dial(t.Context(), "ws://"+s.addr+"/conn/ws/bob")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	talk := func(from, to int) {
		for i := from; i <= to; i++ {
			frame := fmt.Appendf(nil, `{"to_user":"alice","message":"line %d"}`, i)
			if err := wsutil.WriteClientText(conn, frame); err != nil {
				t.Fatal(err)
			}
		}
	}
	const atEnd = `(({ scrollHeight, scrollTop, clientHeight }) =>
		scrollHeight - scrollTop - clientHeight < 2)(document.querySelector('#scroller'))`

	talk(1, 1200)
	alice.wait(message("bob", "line 1200"))
	alice.wait(atEnd)
	if kept := evaluate[int](alice, `document.querySelectorAll('.message').length`); kept != 1000 {
		t.Errorf("%d messages are kept", kept)
	}
	if evaluate[bool](alice, `document.querySelector('.message').matches('.follows')`) {
		t.Error("the first message has no heading")
	}

	evaluate[bool](alice, `document.querySelector('#scroller').scrollTop = 5000; true`)
	alice.wait(`!` + atEnd)
	talk(1201, 1203)
	alice.wait(shows("#newer", "3 new messages"))
	if evaluate[bool](alice, atEnd) {
		t.Error("the reader was dragged to the end")
	}
	alice.screenshot("newer")
	alice.do(chromedp.Click(chromedp.CSS("#newer")))
	alice.wait(atEnd)
	alice.wait(`document.querySelector('#newer').hidden`)
}

// The title counts what a hidden page missed.
func TestTitleCountsUnread(t *testing.T) {
	s := startServer(t)
	b := browser(t)
	url := "http://" + s.addr + "/"
	alice := open(t, b, url).join("alice")
	bob := open(t, b, url).join("bob")

	// A second tab in alice's window hides the first.
	tab, closeTab := chromedp.NewContext(alice.ctx, chromedp.WithNewWindow(false))
	if err := chromedp.Do(tab); err != nil {
		t.Fatal(err)
	}
	alice.wait(`document.hidden`)
	bob.say("", "psst")
	bob.say("alice", "hey")
	alice.wait(`document.title === '(2) Throng'`)
	closeTab()
	alice.wait(`!document.hidden && document.title === 'Throng'`)
	alice.wait(message("bob", "hey"))
}

// The policy is not only sent: the browser holds the page to it.
func TestPolicyInTheBrowser(t *testing.T) {
	s := startServer(t)
	violations := regexp.MustCompile(`Content Security Policy|TrustedHTML`)
	alice := open(t, browser(t), "http://"+s.addr+"/", violations)
	for name, deed := range map[string]string{
		"parse a string as HTML": `document.body.innerHTML = '<p>owned</p>'`,
		"style by an attribute":  `document.body.setAttribute('style', 'color: red')`,
		"fetch a foreign image":  `new Image().src = 'http://localhost:1/x.png'`,
		"talk to another host":   `new WebSocket('ws://localhost:1/')`,
	} {
		attempt := fmt.Sprintf(`new Promise((resolve) => {
			document.addEventListener('securitypolicyviolation', () => resolve(true), { once: true });
			try { %s } catch {}
		})`, deed)
		ctx, cancel := context.WithTimeout(alice.ctx, patience)
		refused, err := chromedp.Run(ctx, chromedp.Evaluate[bool](attempt, chromedp.EvalAwaitPromise))
		cancel()
		if err != nil || !refused {
			t.Errorf("the page may %s (%v)", name, err)
		}
	}
}

// The page fits its surroundings: width, light, language.
func TestSurroundings(t *testing.T) {
	s := startServer(t)
	b := browser(t)
	url := "http://" + s.addr + "/"
	bob := open(t, b, url).join("bob")
	for _, test := range []struct {
		name, scheme, language string
		width, height          int64
		title                  string
	}{
		{"wide", "light", "en-US", 1200, 800, "Message"},
		{"dark", "dark", "en-US", 1200, 800, "Message"},
		{"phone", "light", "zh-CN", 360, 700, "消息"},
		{"phone-dark", "dark", "zh-CN", 360, 700, "消息"},
	} {
		t.Run(test.name, func(t *testing.T) {
			alice := open(t, b, "about:blank")
			alice.do(
				chromedp.EmulateViewport(test.width, test.height),
				command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
					Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: test.scheme}},
				}),
				command(emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{
					UserAgent:      "Throng's test",
					AcceptLanguage: test.language,
				}),
				chromedp.Navigate(url),
			)
			alice.wait(`document.activeElement.id === 'nick'`)
			alice.screenshot(test.name + "-login")
			nick := "alice-" + test.name
			alice.join(nick)
			converse(alice, bob, nick)
			alice.screenshot(test.name)

			if wide := evaluate[bool](alice, `document.documentElement.scrollWidth > innerWidth`); wide {
				t.Error("the page scrolls sideways")
			}
			if label := evaluate[string](alice, `document.querySelector('#text').ariaLabel`); label != test.title {
				t.Errorf("the message field is called %q", label)
			}
			if unnamed := evaluate[[]string](alice, unnamedControls); len(unnamed) > 0 {
				t.Errorf("controls without a name: %v", unnamed)
			}
		})
	}
}

// unnamedControls lists the visible controls that a screen reader could not name.
const unnamedControls = `[...document.querySelectorAll('button, input, textarea')]
	.filter((it) => it.checkVisibility())
	.filter((it) => !it.textContent.trim() && !it.ariaLabel && !it.labels?.length)
	.map((it) => it.outerHTML)`

// converse fills the list with a little of everything.
func converse(alice, bob *user, nick string) {
	bob.say("", "Has anybody tried the new build?")
	bob.say("", "It starts in 40 ms here.\nMemory is lower too.")
	alice.wait(message("bob", "It starts in 40 ms here.\nMemory is lower too."))
	alice.say("", "Yes! Works well for me 🎉")
	bob.say("", "你好！很高兴见到大家。")
	bob.say(nick, "Can we talk about the release later?")
	alice.wait(message("bob", "Can we talk about the release later?"))
	alice.say("bob", "Sure, in an hour?")
	alice.say("carol", "Are you coming?")
	alice.wait(`document.querySelector('.notice') !== null`)
	alice.fill("#to", "bob")
	alice.fill("#text", "I have the notes at hand")
}
