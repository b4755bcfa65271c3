package web_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	browserapi "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// patience is the longest that a page may take to show what it should.
const patience = time.Minute

// browser is a Chromium that all tests share; TestMain ends it. Each user has a profile of its own in it.
var browser = sync.OnceValues(func() (context.Context, error) {
	path := os.Getenv("THRONG_CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = cmp.Or(path, found)
		}
	}
	if path == "" {
		return nil, errNoBrowser
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.UserDataDir(filepath.Join(workshop, "profile")),
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		// Every user has a window, and a window's address bar is two web pages, which cost more than the chat does.
		chromedp.Flag("disable-features", "Translate,WebUIOmniboxPopup,WebUIOmniboxAimPopup,SpareRendererForSitePerProcess"),
		// A pointer that can rest on things, as on a desk; without a screen there is none.
		chromedp.Flag("blink-settings", "primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4"),
		chromedp.WindowSize(1280, 800),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	closeBrowser = func() {
		cancel()
		stop()
	}
	return ctx, chromedp.Do(ctx)
})

var (
	errNoBrowser = errors.New("no Chromium")
	// closeBrowser ends the shared browser, if it was started.
	closeBrowser = func() {}
)

// user is a person at a page, in a profile of her own.
type user struct {
	t         *testing.T
	ctx       context.Context
	tolerated []*regexp.Regexp // complaints of the browser that the test provokes
}

// open gives a new user the page at a URL. Whatever the browser complains of fails the test, exceptions, violated
// policies, failed requests, unless it is among the complaints that the test provokes and tolerates.
func open(t *testing.T, url string, tolerated ...*regexp.Regexp) *user {
	t.Helper()
	u := &user{t: t, tolerated: tolerated}
	u.enter(chromedp.WithNewBrowserContext())
	u.do(chromedp.Navigate(url))
	return u
}

// tab opens the page in a further tab of the same profile, which hides the first.
func (u *user) tab(url string) *user {
	u.t.Helper()
	second := &user{t: u.t, tolerated: u.tolerated}
	id := chromedp.FromContext(u.ctx).BrowserContextID
	second.enter(chromedp.WithExistingBrowserContext(id), chromedp.WithNewWindow(false))
	second.do(chromedp.Navigate(url))
	return second
}

// front shows the user's tab instead of the others of its window.
func (u *user) front() {
	u.t.Helper()
	u.do(command(page.BringToFront, cdp.Empty{}))
}

// permit answers for the user when a page asks for a permission, or takes the answer back.
func (u *user) permit(name string, setting browserapi.PermissionSetting) {
	u.t.Helper()
	_, err := chromedp.CallBrowser(u.ctx, browserapi.SetPermission, browserapi.SetPermissionParams{
		Permission:       &browserapi.PermissionDescriptor{Name: name},
		Setting:          setting,
		BrowserContextID: chromedp.FromContext(u.ctx).BrowserContextID,
	})
	if err != nil {
		u.t.Fatal(err)
	}
}

// enter gives a user a tab and listens to its console.
func (u *user) enter(options ...chromedp.ContextOption) {
	u.t.Helper()
	parent, err := browser()
	if errors.Is(err, errNoBrowser) {
		absent(u.t, "Chromium", "apt-get install chromium")
	}
	if err != nil {
		u.t.Fatalf("Chromium did not start: %v", err)
	}
	var cancel context.CancelFunc
	u.ctx, cancel = chromedp.NewContext(parent, options...)
	var reading sync.WaitGroup
	u.t.Cleanup(func() {
		cancel()
		reading.Wait()
	})
	if err := chromedp.Do(u.ctx); err != nil {
		u.t.Fatal(err)
	}
	console := chromedp.Console(u.ctx)
	reading.Go(func() {
		for message, err := range console {
			if err != nil {
				return // the test is over
			}
			said := fmt.Sprintf("%s: %s", message.Type, message.Text)
			if !slices.ContainsFunc(u.tolerated, func(some *regexp.Regexp) bool { return some.MatchString(said) }) {
				u.t.Errorf("the browser complains: %s", said)
			}
		}
	})
	dialogs := chromedp.Events(u.ctx, page.JavascriptDialogOpening)
	reading.Go(func() {
		for dialog, err := range dialogs {
			if err != nil {
				return // the test is over
			}
			// The page stands still until it has an answer, and whatever the test does next would only time out.
			u.t.Errorf("the page asks: %s", dialog.Message)
			_, _ = chromedp.Call(u.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: false})
		}
	})
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
func evaluate[T any](u *user, expression string, options ...chromedp.EvaluateOption) T {
	u.t.Helper()
	ctx, cancel := context.WithTimeout(u.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, options...))
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

// say writes a text into the open chat and presses Enter.
func (u *user) say(text string) {
	u.t.Helper()
	u.fill("#text", text)
	u.press(enter)
}

// goTo opens a chat by its name through the switcher, or begins it; label is what is to be picked there.
func (u *user) goTo(name, label string) {
	u.t.Helper()
	u.press(ctrlK)
	u.wait(`document.activeElement.id === 'switcher-input'`)
	u.fill("#switcher-input", name)
	u.pick("#switcher-list", label)
}

// pick clicks the row of a list that bears a name.
func (u *user) pick(list, name string) {
	u.t.Helper()
	row := fmt.Sprintf(`[...document.querySelectorAll(%s)].find((it) => it.querySelector('.name').textContent === %s)`,
		quote(list+" .row"), quote(name))
	u.wait(row + ` !== undefined`)
	evaluate[bool](u, row+`.click(), true`)
}

// choose goes with the arrow keys from one option of a closed <select> to another.
func (u *user) choose(selector, from, to string) {
	u.t.Helper()
	u.do(chromedp.Focus(chromedp.CSS(selector)))
	steps := evaluate[int](u, fmt.Sprintf(`(({ options, value }) => value === %s
		? [...options].findIndex((it) => it.value === %s) - [...options].findIndex((it) => it.value === value)
		: 0)(document.querySelector(%s))`, quote(from), quote(to), quote(selector)))
	if steps == 0 {
		u.t.Fatalf("%s does not show %q, or has no %q", selector, from, to)
	}
	for range max(steps, -steps) {
		if steps < 0 {
			u.press(up)
		} else {
			u.press(down)
		}
	}
}

// reload waits until the page has loaded anew because of a deed.
func (u *user) reload(deed func()) {
	u.t.Helper()
	ctx, cancel := context.WithTimeout(u.ctx, patience)
	defer cancel()
	loads := chromedp.Events(ctx, page.LoadEventFired)
	deed()
	for _, err := range loads {
		if err != nil {
			u.t.Fatalf("the page does not load anew: %v", err)
		}
		return
	}
}

// Keys that the client gives a meaning.
var (
	enter      = input.DispatchKeyEventParams{Key: "Enter", Text: "\r", WindowsVirtualKeyCode: 13}
	shiftEnter = input.DispatchKeyEventParams{Key: "Enter", Text: "\r", WindowsVirtualKeyCode: 13, Modifiers: 8}
	escape     = input.DispatchKeyEventParams{Key: "Escape", WindowsVirtualKeyCode: 27}
	down       = input.DispatchKeyEventParams{Key: "ArrowDown", WindowsVirtualKeyCode: 40}
	up         = input.DispatchKeyEventParams{Key: "ArrowUp", WindowsVirtualKeyCode: 38}
	ctrlK      = input.DispatchKeyEventParams{Key: "k", WindowsVirtualKeyCode: 75, Modifiers: 2}
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
	if dir := os.Getenv("THRONG_SCREENSHOTS"); dir != "" {
		u.capture(filepath.Join(dir, name+".png"))
	}
}

// capture writes a picture of the page into a file.
func (u *user) capture(path string) {
	u.t.Helper()
	picture, err := chromedp.Run(u.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(path, picture, 0o600)
	}
	if err != nil {
		u.t.Error(err)
	}
}

// online holds when the chat is open and connected.
const online = `document.querySelector('#app:not([hidden]) #status[data-state=online]') !== null`

// message holds when just one message with this text is to be seen, and it is of this sender; "You" for oneself.
func message(from, text string) string {
	return fmt.Sprintf(`((all) => all.length === 1 && all[0].querySelector('.from').textContent === %s)(
		[...document.querySelectorAll('#messages .line')].filter((it) => it.querySelector('.text').textContent === %s))`,
		quote(from), quote(text))
}

// fate holds when one's own message with this text has got so far.
func fate(text, how string) string {
	return fmt.Sprintf(`[...document.querySelectorAll('#messages .line.mine')].some((it) =>
		it.querySelector('.text').textContent === %s && it.querySelector('.fate').dataset.fate === %s)`, quote(text), quote(how))
}

// allSent holds when nothing that was said in the open chat waits for its ack.
const allSent = `['queued', 'sent', 'failed'].every((fate) => document.querySelector('#messages [data-fate=' + fate + ']') === null)`

// unread holds when a chat in the list counts so many unread messages; 0 for none.
func unread(name string, count int) string {
	return fmt.Sprintf(`[...document.querySelectorAll('#chats .row')].some((it) =>
		it.querySelector('.name').textContent === %s && Number(it.querySelector('.unread [aria-hidden]').textContent) === %d)`,
		quote(name), count)
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
