package web_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// A server that asks for tokens says so; a link with one leads in, and is no secret in the address bar; a second one lets the same connection
// go on; and who shows none in time is told why it ended.
func TestToken(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--auth", "jwt", "--jwt-key", tokenKey(t))
	eve := open(t, s.url)
	eve.login("alice")
	eve.wait(shows("#login-error", "opens a link with a token"))
	eve.screenshot("token-needed")

	bob := open(t, s.url+"#token="+printToken(t, "bob", "1h"))
	bob.wait(online)
	// A token is good for half a minute longer than it says.
	alice := open(t, s.url+"#token="+printToken(t, "alice", "10s"))
	alice.wait(online)
	if kept := evaluate[string](alice, keptBeyond); strings.Contains(kept, "eyJ") {
		t.Errorf("the browser keeps %s", kept)
	}
	alice.say("good morning")
	bob.wait(message("alice", "good morning"))

	// The same page is given a fresh link, and the connection that has it outlives the one that has not.
	second := open(t, s.url+"#token="+printToken(t, "alice", "10s"))
	second.wait(online)
	evaluate[bool](alice, `(window.sockets = 0, WebSocket = class extends WebSocket { constructor(...all) { super(...all); sockets++; } }, true)`)
	evaluate[bool](alice, `(location.hash = 'token=`+printToken(t, "alice", "1h")+`', true)`)
	alice.wait(`location.href === ` + quote(s.url))
	second.wait(shows("#login-error", "Your link does not let you in: the token has expired"))
	second.wait(`document.querySelector('#nick').value === 'alice'`)
	if kept := evaluate[string](second, keptHere); strings.Contains(kept, "eyJ") {
		t.Errorf("the tab keeps a token that is of no use: %s", kept)
	}
	second.screenshot("token-expired")
	alice.say("still here")
	bob.wait(message("alice", "still here"))
	if n := evaluate[int](alice, `sockets`); n != 0 {
		t.Errorf("the page connected %d times more", n)
	}

	// A link of somebody else's brings them in, and one that the server did not sign does not.
	evaluate[bool](alice, `(location.hash = 'token=`+printToken(t, "carol", "1h")+`', true)`)
	alice.wait(shows("#app", "carol") + ` && ` + online)
	evaluate[bool](second, `(location.hash = 'token=`+broken(printToken(t, "alice", "1h"))+`', true)`)
	second.wait(shows("#login-error", "Your link does not let you in: the token's signature is wrong"))
}

// What a page keeps for its tab alone, and what others can see, now or later.
const (
	keptHere   = `JSON.stringify({ ...sessionStorage })`
	keptBeyond = `JSON.stringify([location.href, { ...localStorage }, document.cookie, history.state])`
)

// A tab keeps its token over a reload, and forgets it when its user leaves; another tab never has it.
func TestTokenOverReload(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--auth", "jwt", "--jwt-key", tokenKey(t))
	alice := open(t, s.url+"#token="+printToken(t, "alice", "1h"))
	alice.wait(online)
	for range 2 {
		alice.reload(func() { alice.do(chromedp.Reload()) })
		alice.wait(shows("#app", "alice") + ` && ` + online)
	}
	if kept := evaluate[string](alice, keptBeyond); strings.Contains(kept, "eyJ") {
		t.Errorf("the browser keeps %s", kept)
	}
	other := alice.tab(s.url)
	other.login("alice")
	other.wait(shows("#login-error", "opens a link with a token"))

	alice.front()
	alice.do(chromedp.Click(chromedp.CSS("#menu")), chromedp.Click(chromedp.CSS("#leave")))
	alice.wait(`document.activeElement.id === 'nick'`)
	if kept := evaluate[string](alice, keptHere); kept != "{}" {
		t.Errorf("the tab keeps %s", kept)
	}
	alice.reload(func() { alice.do(chromedp.Reload()) })
	alice.login("alice")
	alice.wait(shows("#login-error", "opens a link with a token"))

	// A link that does not let in says whose it is.
	late := open(t, s.url+"#token="+broken(printToken(t, "bob", "1h")))
	late.wait(shows("#login-error", "the token's signature is wrong"))
	late.wait(`document.querySelector('#nick').value === 'bob'`)
}

// broken is a token that the server did not sign.
func broken(token string) string { return token[:len(token)-5] + "AAAA" + token[len(token)-1:] }

// tokenKey makes the secret that tokens of the tests are signed with.
func tokenKey(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(tokenSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const tokenSecret = "0123456789abcdef0123456789abcdef"

// printToken has the program make a token.
func printToken(t *testing.T, nick, ttl string) string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	text, err := exec.CommandContext(t.Context(), path, "token", "--jwt-key", tokenKey(t), "--sub", nick, "--ttl", ttl).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}
