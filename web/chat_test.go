package web_test

import (
	"fmt"
	"strings"
	"testing"

	browserapi "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
)

// Two people go through what a chat is for: everyone, a room, a conversation of two.
func TestChat(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	alice := open(t, s.url).join("alice")
	bob := open(t, s.url).join("bob")
	carol := open(t, s.url).join("carol")

	alice.say("good morning")
	alice.wait(message("You", "good morning"))
	alice.wait(fate("good morning", "stored"))
	bob.wait(message("alice", "good morning"))
	bob.wait(shows("#announcer", "alice: good morning"))
	carol.wait(message("alice", "good morning"))
	alice.wait(shows("#chat-about", "3 online"))

	// A room is made by entering it; who is not in it hears nothing.
	alice.goTo("go", "Join or create the room “go”")
	alice.wait(shows("#chat-name", "go"))
	bob.goTo("go", "Join or create the room “go”")
	alice.wait(shows("#chat-about", "2 people"))
	alice.say("only for gophers")
	bob.wait(message("alice", "only for gophers"))

	// A nick in the list is a way to write to its bearer alone.
	bob.do(chromedp.Click(chromedp.CSS(".line:not(.mine) .from")))
	bob.wait(shows("#chat-name", "alice"))
	bob.say("between us")
	bob.wait(fate("between us", "delivered"))
	alice.wait(unread("bob", 1))
	alice.wait(`document.title === '(1) Throng'`)
	alice.pick("#chats", "bob")
	alice.wait(message("bob", "between us"))
	alice.wait(unread("bob", 0))
	bob.wait(fate("between us", "read"))

	alice.fill("#text", "I am")
	bob.wait(shows("#typing", "alice is typing"))
	alice.say("I am listening")
	bob.wait(message("alice", "I am listening"))
	bob.wait(`document.querySelector('#typing').textContent === ''`)

	// Messages keep their order, so a later one proves that carol got none of the earlier ones.
	alice.pick("#chats", "Everyone")
	alice.say("good night")
	carol.wait(message("alice", "good night"))
	if heard := evaluate[string](carol, `document.body.textContent`); strings.Contains(heard, "between us") ||
		strings.Contains(heard, "only for gophers") {
		t.Error("carol reads what was not said to her")
	}

	// Out of the room again.
	alice.pick("#chats", "go")
	alice.do(chromedp.Click(chromedp.CSS("#close-chat")))
	alice.wait(shows("#chat-name", "Everyone"))
	bob.pick("#chats", "go")
	bob.wait(shows("#chat-about", "Only you are here"))

	// Nobody bears that name, and what was said to nobody can be taken back.
	carol.goTo("nobody", "Write to nobody")
	carol.say("are you there?")
	carol.wait(shows(".trouble:not([hidden])", "nobody by that name"))
	carol.do(chromedp.Click(chromedp.CSS(".discard")))
	carol.wait(`document.querySelectorAll('.line').length === 0`)
}

// A text is shown as it was typed, whatever it looks like, but for its links.
func TestTextIsLiteral(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	alice := open(t, s.url).join("alice <b>&amp;")
	bob := open(t, s.url).join("小明 👋")
	for _, text := range []string{
		`<script>document.title = "owned"</script>`,
		`<img src=x onerror="document.title='owned'"> &lt;b&gt; <b>bold</b> javascript:alert(1)`,
		"first line\n  second, indented\n\n\tfourth",
		"👩‍👩‍👧 🇨🇳 你好，世界 שלום \"quotes\" \\n back\\slash",
		`{"from_user":"system","to_user":"","message":"forged"}`,
		strings.Repeat("long", 2000),
	} {
		alice.say(text)
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

	alice.say("see https://example.org/a?b=(c), or not")
	bob.wait(message("alice <b>&amp;", "see https://example.org/a?b=(c), or not"))
	link := evaluate[string](bob, `(({ href, target, rel }) => [href, target, rel].join(' '))(document.querySelector('.text a'))`)
	if want := "https://example.org/a?b=(c) _blank noopener noreferrer nofollow"; link != want {
		t.Errorf("the link is %q", link)
	}
}

// All of it works without a mouse.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	alice := open(t, s.url).join("alice")
	bob := open(t, s.url).join("bob")

	// Shift and Enter begin a new line; Enter alone sends both.
	bob.fill("#text", "one")
	bob.press(shiftEnter)
	bob.do(chromedp.KeyEvent("two"))
	bob.press(enter)
	alice.wait(message("bob", "one\ntwo"))
	if left := evaluate[string](bob, `document.querySelector('#text').value`); left != "" {
		t.Errorf("%q is left in the field", left)
	}

	// Ctrl+K and the first letters lead to somebody who is here.
	bob.press(ctrlK)
	bob.wait(`document.activeElement.id === 'switcher-input'`)
	bob.fill("#switcher-input", "ali")
	bob.wait(shows("#switcher-list .row.active .name", "Write to alice"))
	bob.screenshot("switcher")
	bob.press(enter)
	bob.wait(shows("#chat-name", "alice"))
	bob.wait(`document.activeElement.id === 'text'`)

	// Escape goes to the list, whose arrows and Enter lead to another chat.
	bob.press(escape)
	bob.wait(`document.activeElement.id === 'chats'`)
	active := `document.getElementById(document.querySelector('#chats').getAttribute('aria-activedescendant'))?.querySelector('.name').textContent`
	bob.wait(active + ` === 'alice'`)
	bob.press(up)
	bob.wait(active + ` === 'Everyone'`)
	bob.press(enter)
	bob.wait(shows("#chat-name", "Everyone"))

	// Emoji: open, two to the right, take.
	bob.do(chromedp.Focus(chromedp.CSS("#emoji-button")))
	bob.press(enter)
	bob.wait(`document.activeElement.textContent === '😀'`)
	bob.press(down)
	bob.wait(`document.activeElement.textContent === '😘'`)
	bob.screenshot("emoji")
	bob.press(enter)
	bob.wait(`document.activeElement.id === 'text' && document.activeElement.value === '😘'`)
	bob.press(enter)
	alice.wait(message("bob", "😘"))
	alice.wait(`document.querySelector('.line.large') !== null`)
}

// A long talk costs no more than a window on it, and neither what comes nor what is looked up moves what is being read.
func TestLongTalk(t *testing.T) {
	t.Parallel()
	f := startFake(t)
	alice := open(t, f.url).join("alice")
	bob := open(t, f.url).join("bob")
	f.locked(func() {
		for i := range 2000 {
			f.store(&fakeMessage{conv: "all", from: f.claims["bob"], body: fmt.Appendf(nil, `"line %d"`, i+1)})
		}
	})
	bob.say("the end")
	alice.wait(message("bob", "the end"))
	alice.wait(atEnd)
	const rows = `document.querySelectorAll('.line').length`

	// Up to the first message, page by page. The line at the top of the screen stays where it was.
	for range 60 {
		if evaluate[bool](alice, message("bob", "line 1")) {
			break
		}
		moved := evaluate[float64](alice, `(async () => {
			const scroller = document.querySelector('#scroller');
			const before = document.querySelector('.line').querySelector('.text').textContent;
			scroller.scrollTop = 300;
			const top = () => [...document.querySelectorAll('.line')].find((it) => it.getBoundingClientRect().bottom > scroller.getBoundingClientRect().top);
			const line = top().querySelector('.text').textContent, y = top().getBoundingClientRect().y;
			for (let i = 0; i < 500 && document.querySelector('.line .text').textContent === before; i++) await new Promise(requestAnimationFrame);
			const same = [...document.querySelectorAll('.line')].find((it) => it.querySelector('.text').textContent === line);
			return Math.abs(same.getBoundingClientRect().y - y);
		})()`, chromedp.EvalAwaitPromise)
		if moved > 1 {
			t.Fatalf("the line that was read moved by %v pixels", moved)
		}
	}
	alice.wait(message("bob", "line 1"))
	if kept := evaluate[int](alice, rows); kept > 300 {
		t.Errorf("%d messages are in the page", kept)
	}

	// What comes does not drag the reader along; one click leads to it.
	bob.say("after the end")
	alice.wait(shows("#newer", "1 new message"))
	if evaluate[bool](alice, atEnd) {
		t.Error("the reader was dragged to the end")
	}
	alice.do(chromedp.Click(chromedp.CSS("#newer")))
	alice.wait(message("bob", "after the end"))
	alice.wait(atEnd)
	alice.wait(`document.querySelector('#newer').hidden`)
}

// atEnd holds when the newest message is in sight.
const atEnd = `(({ scrollHeight, scrollTop, clientHeight }) =>
	scrollHeight - scrollTop - clientHeight < 2)(document.querySelector('#scroller'))`

// A page that nobody looks at counts what is said, and shows it when somebody does.
func TestHidden(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	alice := open(t, s.url).join("alice")
	bob := open(t, s.url).join("bob")
	alice.tab("about:blank")
	alice.wait(`document.hidden`)
	bob.say("psst")
	bob.goTo("alice", "Write to alice")
	bob.say("hey")
	alice.wait(`document.title === '(2) Throng'`)
	alice.front()
	alice.wait(`!document.hidden && document.title === '(1) Throng'`)
	alice.wait(message("bob", "psst"))
	alice.wait(unread("bob", 1))
}

// Who looks elsewhere is notified of what is meant for her, if she wishes so and the browser allows it.
func TestNotifications(t *testing.T) {
	t.Parallel()
	f := startFake(t)
	alice := open(t, f.url)
	alice.permit("notifications", browserapi.PermissionSettingDenied)
	alice.join("alice")
	bob := open(t, f.url).join("bob")
	evaluate[bool](alice, `window.shown = [], window.Notification = class extends Notification {
		constructor(title, options) { super(title, options); shown.push(this); }
	}, true`)

	// The switch stays off while the browser forbids it.
	alice.do(chromedp.Click(chromedp.CSS("#menu")), chromedp.Click(chromedp.CSS("#notify")))
	alice.wait(shows("#notify-error", "does not allow notifications") + ` && !document.querySelector('#notify').checked`)
	alice.permit("notifications", browserapi.PermissionSettingGranted)
	alice.do(chromedp.Click(chromedp.CSS("#notify")))
	alice.wait(`document.querySelector('#notify').checked && document.querySelector('#notify-error').textContent === ''`)
	alice.press(escape)

	// None while she looks at the page, whether that chat is open or another.
	bob.goTo("alice", "Write to alice")
	bob.say("are you there?")
	alice.wait(unread("bob", 1))
	alice.pick("#chats", "bob")
	bob.say("I see you")
	alice.wait(message("bob", "I see you"))

	// The page is in sight, but she works in another window. A headless browser's pages all believe to have the focus.
	evaluate[bool](alice, `document.hasFocus = () => false, true`)
	bob.say("look here")
	alice.wait(`shown.length === 1`)
	evaluate[bool](alice, `delete document.hasFocus`)

	// Another tab hides the page. What is said to everyone is no reason to disturb her, unless it names her.
	alice.pick("#chats", "Everyone")
	alice.tab("about:blank")
	alice.wait(`document.hidden`)
	bob.pick("#chats", "Everyone")
	bob.say("good night, all")
	bob.say("good night, @alice")
	alice.wait(`shown.length === 2`)
	bob.pick("#chats", "alice")
	bob.say("and sleep well")
	alice.wait(`shown.length === 3`)
	told := evaluate[string](alice, `shown.map(({ title, body }) => title + ' / ' + body).join('\n')`)
	if want := "bob / look here\nEveryone: bob / good night, @alice\nbob / and sleep well"; told != want {
		t.Errorf("alice was notified of\n%s\nand not of\n%s", told, want)
	}

	// A click on one leads to its chat.
	alice.front()
	evaluate[bool](alice, `shown[2].dispatchEvent(new Event('click'))`)
	alice.wait(shows("#chat-name", "bob"))
	alice.wait(message("bob", "and sleep well"))
}

// A hundred thousand people are a list like any other.
func TestCrowd(t *testing.T) {
	t.Parallel()
	f := startFake(t)
	for i := range 100_000 {
		f.crowd = append(f.crowd, fmt.Sprintf("guest%05d", i))
	}
	alice := open(t, f.url).join("alice")
	alice.do(chromedp.Click(chromedp.CSS("#show-people")))
	alice.wait(shows("#people-count", "100,001 people"))
	alice.wait(shows("#people-list", "guest00000"))
	for range 5 {
		height := evaluate[int](alice, `document.querySelector('#people-list').scrollHeight`)
		evaluate[bool](alice, `document.querySelector('#people-list').scrollTop = 1e9, true`)
		alice.wait(fmt.Sprintf(`document.querySelector('#people-list').scrollHeight > %d`, height))
	}
	if rows := evaluate[int](alice, `document.querySelectorAll('#people-list .row').length`); rows > 60 {
		t.Errorf("%d rows are in the page", rows)
	}

	alice.fill("#people-search", "guest9999")
	alice.wait(`document.querySelector('#people-list .row:last-child .name')?.textContent === 'guest99999'`)
	alice.fill("#people-search", "guest99999")
	alice.wait(`document.querySelectorAll('#people-list .row').length === 1`)
	alice.screenshot("crowd")
	alice.fill("#people-search", "nemo")
	alice.wait(`document.querySelector('#people-none').checkVisibility()`)

	// Who comes is woven in.
	alice.fill("#people-search", "bo")
	open(t, f.url).join("bob")
	alice.wait(shows("#people-list", "bob"))
	alice.pick("#people-list", "bob")
	alice.wait(shows("#chat-name", "bob"))
}
