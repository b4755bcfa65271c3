package web_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// patience is the longest that a page may take to show what it should.
const patience = time.Minute

// browser starts Chromium with a fresh profile; its context ends with the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := os.Getenv("THRONG_CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = cmp.Or(path, found)
		}
	}
	if path == "" {
		absent(t, "Chromium", "apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.WindowSize(1200, 800),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("Chromium did not start: %v", err)
	}
	return ctx
}

// user is a person at a page, in a profile of her own.
type user struct {
	t   *testing.T
	ctx context.Context
}

// open gives a new user the page at a URL. Whatever the browser complains of fails
// the test, exceptions, violated policies, failed requests, unless it is among the
// complaints that the test provokes and tolerates.
func open(t *testing.T, browser context.Context, url string, tolerated ...*regexp.Regexp) *user {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	u := &user{t: t, ctx: ctx}
	var reading sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		reading.Wait()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	console := chromedp.Console(ctx)
	reading.Go(func() {
		for message, err := range console {
			if err != nil {
				return // the test is over
			}
			said := fmt.Sprintf("%s: %s", message.Type, message.Text)
			if !slices.ContainsFunc(tolerated, func(some *regexp.Regexp) bool { return some.MatchString(said) }) {
				t.Errorf("the browser complains: %s", said)
			}
		}
	})
	u.do(chromedp.Navigate(url))
	return u
}

// do runs steps and fails the test when one fails.
func (u *user) do(steps ...chromedp.Action[chromedp.Void]) {
	u.t.Helper()
	ctx, cancel := context.WithTimeout(u.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		u.t.Fatal(err)
	}
}

// evaluate returns the value of an expression in the page.
func evaluate[T any](u *user, expression string) T {
	u.t.Helper()
	value, err := chromedp.Run(u.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		u.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// wait waits until a condition holds in the page.
func (u *user) wait(condition string) {
	u.t.Helper()
	poll := chromedp.Poll[chromedp.Void](condition,
		chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(patience))
	if _, err := chromedp.Run(u.ctx, poll); err != nil {
		shown := evaluate[string](u, `document.body.innerText`)
		u.t.Fatalf("waited in vain for %s (%v); the page says:\n%s", condition, err, shown)
	}
}

// fill puts a text into a field as a paste over its content does.
func (u *user) fill(selector, text string) {
	u.t.Helper()
	u.do(chromedp.Focus(chromedp.CSS(selector)))
	evaluate[bool](u, fmt.Sprintf(`document.activeElement.select(), %s
		? document.execCommand('insertText', false, %[1]s)
		: document.execCommand('delete')`, quote(text)))
}

// login asks for a nick without waiting for the outcome.
func (u *user) login(nick string) {
	u.t.Helper()
	u.fill("#nick", nick)
	u.do(chromedp.Click(chromedp.CSS("#join")))
}

// join enters the chat.
func (u *user) join(nick string) *user {
	u.t.Helper()
	u.login(nick)
	u.wait(online)
	return u
}

// say writes to a nick, or to everyone when it is "", and presses Enter.
func (u *user) say(to, text string) {
	u.t.Helper()
	u.fill("#to", to)
	u.fill("#text", text)
	u.press(enter)
}

// A key that the client gives a meaning.
var (
	enter      = input.DispatchKeyEventParams{Key: "Enter", Text: "\r", WindowsVirtualKeyCode: 13}
	shiftEnter = input.DispatchKeyEventParams{Key: "Enter", Text: "\r", WindowsVirtualKeyCode: 13, Modifiers: 8}
	escape     = input.DispatchKeyEventParams{Key: "Escape", WindowsVirtualKeyCode: 27}
)

// press strikes a key. chromedp's own KeyEvent sends the character apart from the
// stroke, so a page could not prevent it as it can at a real keyboard.
func (u *user) press(key input.DispatchKeyEventParams) {
	u.t.Helper()
	key.Type = input.DispatchKeyEventTypeKeyDown
	down := command(input.DispatchKeyEvent, key)
	key.Type, key.Text = input.DispatchKeyEventTypeKeyUp, ""
	u.do(down, command(input.DispatchKeyEvent, key))
}

// command runs one command of the DevTools protocol as a step.
func command[P, R any](cmd cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, cmd, params)
		return err
	})
}

// screenshot keeps a picture of the page when THRONG_SCREENSHOTS names a folder.
func (u *user) screenshot(name string) {
	u.t.Helper()
	dir := os.Getenv("THRONG_SCREENSHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(u.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600)
	}
	if err != nil {
		u.t.Error(err)
	}
}

// Conditions to wait for, as JavaScript expressions.
const online = `document.querySelector('#chat:not([hidden]) #status[data-state=online]') !== null`

// message holds when a message with just this sender and text is in the list.
func message(from, text string) string {
	return fmt.Sprintf(`[...document.querySelectorAll('#messages .message')].some((it) =>
		it.querySelector('.from').textContent === %s && it.querySelector('.text').textContent === %s)`,
		quote(from), quote(text))
}

// shows holds when what a selector finds contains a text.
func shows(selector, text string) string {
	return fmt.Sprintf(`document.querySelector(%s)?.textContent.includes(%s) === true`, quote(selector), quote(text))
}

// quote makes a JavaScript string of any text: JSON is JavaScript.
func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always can be encoded
	}
	return string(quoted)
}
