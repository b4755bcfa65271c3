package server

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// operator is somebody at the admin page, in a Chromium.
type operator struct {
	t   *testing.T
	ctx context.Context
}

// visit opens the admin page of a server. Whatever the browser complains of fails the test, but for refused requests that it names.
func visit(t *testing.T, h *house, tolerated ...string) *operator {
	t.Helper()
	path := os.Getenv("THRONG_CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = cmp.Or(path, found)
		}
	}
	if path == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("needs Chromium; install it with: apt-get install chromium")
		}
		t.Skip("needs Chromium; install it with: apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1280, 900))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	var reading sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		stop()
		reading.Wait()
	})
	o := &operator{t, ctx}
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
			if !slices.ContainsFunc(tolerated, func(some string) bool { return strings.Contains(said, some) }) {
				t.Errorf("the browser complains: %s", said)
			}
		}
	})
	o.do(chromedp.Navigate("http://" + h.private + "/"))
	return o
}

func (o *operator) do(steps ...chromedp.Action[chromedp.Void]) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		o.t.Fatal(err)
	}
}

func evaluate[T any](o *operator, expression string, options ...chromedp.EvaluateOption) T {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, options...))
	if err != nil {
		o.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// wait waits until a condition holds in the page.
func (o *operator) wait(condition string) {
	o.t.Helper()
	poll := chromedp.Poll[chromedp.Void](condition, chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(patience))
	if _, err := chromedp.Run(o.ctx, poll); err != nil {
		o.t.Fatalf("waited in vain for %s (%v); the page says:\n%s", condition, err, evaluate[string](o, `document.body.innerText`))
	}
}

// sees waits until the page says something.
func (o *operator) sees(text string) {
	o.t.Helper()
	o.wait(`document.body.innerText.includes(` + strconv.Quote(text) + `)`)
}

// click clicks the last button that can be seen and bears a text.
func (o *operator) click(text string) {
	o.t.Helper()
	button := `[...document.querySelectorAll('button')].findLast((it) => it.checkVisibility() && it.textContent === ` + strconv.Quote(text) + `)`
	o.wait(button + ` !== undefined`)
	evaluate[bool](o, button+`.click(), true`)
}

// fill writes into a field, by its hint.
func (o *operator) fill(hint, text string) {
	o.t.Helper()
	field := `[...document.querySelectorAll('input, textarea')].find((it) => it.checkVisibility() && it.placeholder === ` + strconv.Quote(hint) + `)`
	o.wait(field + ` !== undefined`)
	evaluate[bool](o, `((it) => { it.value = `+strconv.Quote(text)+`; it.dispatchEvent(new Event('input', { bubbles: true })); return true; })(`+field+`)`)
}

// screenshot keeps a picture of the page when THRONG_SCREENSHOTS names a folder.
func (o *operator) screenshot(name string) {
	o.t.Helper()
	dir := os.Getenv("THRONG_SCREENSHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(o.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600)
	}
	if err != nil {
		o.t.Error(err)
	}
}

// looks sets how wide the page is, and whether it is dark.
func (o *operator) looks(width, height int64, scheme string) {
	o.t.Helper()
	o.do(chromedp.EmulateViewport(width, height), chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}))
	if wide := evaluate[bool](o, `document.documentElement.scrollWidth > innerWidth`); wide {
		o.t.Errorf("at %d pixels the page scrolls sideways", width)
	}
}

// An operator signs in, sees what goes on, and acts, in a real browser against a real server.
func TestPage(t *testing.T) {
	h := boot(t)
	for _, nick := range []string{"alice", "bob", "小林", "mallory"} {
		p := h.come(nick)
		p.say(`{"t":"join","id":2,"room":"gophers"}`)
		p.hear(`"joined"`)
		p.say(`{"t":"msg","id":3,"room":"gophers","message":"<img src=x onerror=alert(1)> hello"}`)
		p.hear(`"ack"`)
	}
	mid := field(t, h.ask(200, "POST", "/api/publish", `{"from":"bob","to":"alice","message":"psst"}`), "mid")
	o := visit(t, h, "401")
	o.wait(`document.activeElement.id === 'key'`)
	o.fill("API key", "wrong")
	o.click("Sign in")
	o.sees("This key is not known here.")
	o.screenshot("admin-login")
	o.fill("API key", h.key)
	o.click("Sign in")
	o.sees("People online")
	o.sees("healthy")
	o.wait(`document.querySelectorAll('.plot').length === 6`)
	o.looks(1280, 900, "light")
	o.screenshot("admin-overview")
	o.looks(1280, 900, "dark")
	o.screenshot("admin-overview-dark")
	o.looks(390, 844, "dark")
	o.screenshot("admin-overview-phone")
	o.looks(1280, 900, "light")

	o.click("People")
	o.sees("4 online")
	o.fill("Nick begins with", "BO")
	o.wait(`![...document.querySelectorAll('td')].some((it) => it.textContent === 'alice')`)
	o.click("bob")
	o.sees("gophers")
	o.screenshot("admin-person")
	o.click("Ban")
	o.fill("shown to whom it strikes", "spam")
	o.screenshot("admin-ban")
	evaluate[bool](o, `document.querySelector('dialog button.primary').click(), true`)
	o.sees("Done: Ban bob")

	o.click("Rooms")
	o.click("gophers")
	o.click("Read the latest")
	o.sees("<img src=x onerror=alert(1)> hello") // as text
	o.looks(1280, 300, "light")                  // what does not fit is scrolled to within the card, whose lower edge is seen
	o.wait(`(({ top, bottom }, card) => card && top >= 0 && bottom <= innerHeight)(...((it) =>
		[it.getBoundingClientRect(), it.matches('.card')])(document.querySelector('.pair > :last-child')))`)
	o.looks(390, 844, "light")
	o.screenshot("admin-rooms-phone")
	o.looks(1280, 900, "dark")
	o.screenshot("admin-rooms")

	o.click("Moderation")
	o.sees("spam")
	o.sees("api:api-key")
	o.fill("What everybody is told who comes in", "Be kind.")
	o.click("Save")
	o.sees("The message of the day is changed.")
	if text := h.ask(200, "GET", "/api/motd", ""); !strings.Contains(text, "Be kind.") {
		t.Error(text)
	}
	o.screenshot("admin-moderation")
	o.click("Lift")
	evaluate[bool](o, `document.querySelector('dialog button.primary').click(), true`)
	o.sees("Nobody is banned or muted")
	o.sees("In force · 0") // and no message of the day among them

	o.looks(390, 844, "light")
	o.wait(`((tops) => Math.abs(tops[0] - tops[1]) < 4)(
		[...document.querySelectorAll('form.bar > :not(h2)')].map((it) => it.getBoundingClientRect().top))`) // "Ban address" is beside its field
	o.click("Messages")
	o.wait(`document.querySelector('nav [aria-current]').getBoundingClientRect().right <= innerWidth`)
	o.fill("Message id", mid)
	o.click("Look up")
	o.sees("Delivered")
	o.fill("A nick", "alice")
	o.fill("Another nick", "bob")
	o.click("Read")
	o.sees("psst")
	o.looks(1280, 900, "light")
	o.screenshot("admin-messages")

	// The key is this tab's alone, and no string becomes HTML.
	if kept := evaluate[string](o, `JSON.stringify([localStorage.length, document.cookie, sessionStorage.length])`); kept != `[0,"",1]` {
		t.Error(kept)
	}
	o.click("Sign out")
	o.wait(`document.activeElement.id === 'key' && sessionStorage.length === 0`)
}

// What the page may do is bounded by a policy, which every answer of it has.
func TestPagePolicy(t *testing.T) {
	h := boot(t)
	answer, text := h.do(h.request("GET", "/", ""))
	if answer.StatusCode != http.StatusOK || !strings.Contains(text, "Throng admin") {
		t.Fatal(answer.Status)
	}
	policy := answer.Header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("%q lacks %s", policy, part)
		}
	}
}
