package web_test

import (
	"context"
	"flag"
	"fmt"
	"regexp"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

var update = flag.Bool("update", false, "make the README's screenshot.png anew")

// The policy is not only sent: the browser holds the page to it.
func TestPolicyInTheBrowser(t *testing.T) {
	t.Parallel()
	f := startFake(t)
	violations := regexp.MustCompile(`Content Security Policy|TrustedHTML`)
	alice := open(t, f.url, violations)
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
	t.Parallel()
	s := startServer(t)
	bob := open(t, s.url).join("Bob")
	carol := open(t, s.url).join("小林")
	for _, test := range []struct {
		name, scheme, language string
		width, height          int64
		label                  string
	}{
		{"wide", "light", "en-US", 1280, 800, "Message to everyone"},
		{"dark", "dark", "en-US", 1280, 800, "Message to everyone"},
		{"phone", "light", "zh-CN", 390, 844, "发消息给所有人"},
		{"phone-dark", "dark", "en-US", 390, 844, "Message to everyone"},
	} {
		t.Run(test.name, func(t *testing.T) {
			alice := open(t, "about:blank")
			alice.do(chromedp.EmulateViewport(test.width, test.height), scheme(test.scheme), language(test.language))
			alice.do(chromedp.Navigate(s.url))
			alice.wait(`document.activeElement.id === 'nick'`)
			alice.wait(isDark(test.scheme == "dark"))
			alice.screenshot(test.name + "-login")
			nick := "Alice " + test.name
			alice.join(nick)
			alice.wait(fmt.Sprintf(`document.querySelector('#text').ariaLabel === %s`, quote(test.label)))
			converse(alice, bob, carol, nick)
			alice.screenshot(test.name)
			if wide := evaluate[bool](alice, `document.documentElement.scrollWidth > innerWidth`); wide {
				t.Error("the page scrolls sideways")
			}
			if unnamed := evaluate[[]string](alice, unnamedControls); len(unnamed) > 0 {
				t.Errorf("controls without a name: %v", unnamed)
			}
			if test.name == "wide" {
				alice.do(chromedp.Click(chromedp.CSS("#show-people")))
				alice.wait(shows("#people-list", "小林"))
				alice.do(chromedp.Focus(chromedp.CSS("#text")))
				alice.screenshot("people")
			}
			if test.name == "wide" && *update {
				alice.capture("screenshot.png")
			}
			if test.width < 500 {
				alice.do(chromedp.Click(chromedp.CSS("#back")))
				alice.wait(`document.querySelector('#chats').checkVisibility() && !document.querySelector('#text').checkVisibility()`)
				alice.screenshot(test.name + "-list")
				alice.pick("#chats", "Bob")
				alice.wait(`document.querySelector('#text').checkVisibility() && !document.querySelector('#chats').checkVisibility()`)
			}
		})
	}
}

// What somebody chooses holds against the browser's light and language, also after a reload, until it is taken back.
func TestChoices(t *testing.T) {
	t.Parallel()
	f := startFake(t)
	alice := open(t, "about:blank")
	alice.do(scheme("dark"), language("zh-CN"), chromedp.Navigate(f.url))
	alice.join("alice")
	alice.wait(speaks("zh-CN", "发消息给所有人"))
	alice.wait(isDark(true))
	alice.do(scheme("light"))
	alice.wait(isDark(false)) // the browser's light changed, and the page goes with it

	alice.do(chromedp.Click(chromedp.CSS("#menu")))
	alice.choose("#theme", "auto", "dark")
	alice.wait(isDark(true))
	alice.reload(func() { alice.choose("#language", "", "en") })
	alice.wait(online + ` && ` + speaks("en", "Message to everyone"))
	alice.wait(isDark(true))

	alice.do(chromedp.Click(chromedp.CSS("#menu")))
	alice.choose("#theme", "dark", "light")
	alice.wait(isDark(false))
	alice.do(scheme("dark"))
	alice.wait(isDark(false))
	alice.choose("#theme", "light", "auto")
	alice.wait(isDark(true))
	alice.reload(func() { alice.choose("#language", "en", "") })
	alice.wait(online + ` && ` + speaks("zh-CN", "发消息给所有人"))
}

// scheme makes the browser ask for "light" or "dark".
func scheme(value string) chromedp.Action[chromedp.Void] {
	return command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: value}},
	})
}

// language makes it a browser of somebody who reads that language.
func language(tag string) chromedp.Action[chromedp.Void] {
	return command(emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{
		UserAgent:      "Throng's test",
		AcceptLanguage: tag,
	})
}

// isDark holds when the page is drawn light on dark, or, for false, dark on light.
func isDark(yes bool) string {
	return fmt.Sprintf(`((luminance) => (luminance(getComputedStyle(document.body).backgroundColor) < 128
			&& luminance(getComputedStyle(document.body).color) > 128) === %t)(
		(colour) => Math.max(...colour.match(/\d+/g).slice(0, 3)))`, yes)
}

// speaks holds when the page says that it is in a language, and is.
func speaks(tag, label string) string {
	return fmt.Sprintf(`document.documentElement.lang === %s && document.querySelector('#text').ariaLabel === %s`,
		quote(tag), quote(label))
}

// unnamedControls lists the visible controls that a screen reader could not name.
const unnamedControls = `[...document.querySelectorAll('button, input, textarea, select, [role=listbox]')]
	.filter((it) => it.checkVisibility())
	.filter((it) => !it.textContent.trim() && !it.ariaLabel && !it.labels?.length)
	.map((it) => it.outerHTML)`

// converse fills the page with a little of everything.
func converse(alice, bob, carol *user, nick string) {
	bob.wait(online)
	bob.say("Has anybody tried the new build?")
	bob.say("It starts in 40 ms here.\nMemory is lower too: https://example.org/notes/42")
	alice.say("Yes! Works well for me 🎉")
	carol.say("你好！很高兴见到大家。")
	alice.wait(`document.querySelectorAll('.line:not(.mine)').length >= 3`)
	alice.goTo("Go gophers", joinLabel(alice, "Go gophers"))
	alice.say("Who reviews the fan-out change?")
	bob.goTo(nick, "Write to "+nick)
	bob.say("Can we talk about the release later?")
	alice.wait(unread("Bob", 1))
	bob.pick("#chats", "Everyone")
	bob.say("Numbers from last night: 100,000 sockets, nothing lost.")
	carol.say("👏🚀")
	alice.pick("#chats", evaluate[string](alice, `document.querySelector('#chats .row .name').textContent`))
	alice.wait(`document.querySelector('.line.large') !== null`)
	bob.fill("#text", "I can")
	alice.wait(`document.querySelector('#typing').textContent !== ''`)
	alice.fill("#text", "I have the notes at hand")
}

// joinLabel is what the switcher calls the way into a room, in the language of the page.
func joinLabel(u *user, room string) string {
	if evaluate[string](u, `document.documentElement.lang`) == "zh-CN" {
		return "加入或创建房间“" + room + "”"
	}
	return "Join or create the room “" + room + "”"
}
