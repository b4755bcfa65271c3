package web_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
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
	address := evaluate[string](alice, `location.href`)
	if address != s.url {
		t.Errorf("the address is %s", address)
	}
	if kept := evaluate[string](alice, `JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])`); strings.Contains(kept, "eyJ") {
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
	second.screenshot("token-expired")
	alice.say("still here")
	bob.wait(message("alice", "still here"))
	if n := evaluate[int](alice, `sockets`); n != 0 {
		t.Errorf("the page connected %d times more", n)
	}

	// A link of somebody else's brings them in, and one that the server did not sign does not.
	evaluate[bool](alice, `(location.hash = 'token=`+printToken(t, "carol", "1h")+`', true)`)
	alice.wait(shows("#app", "carol") + ` && ` + online)
	good := printToken(t, "alice", "1h")
	evaluate[bool](second, `(location.hash = 'token=`+good[:len(good)-5]+`AAAA`+good[len(good)-1:]+`', true)`)
	second.wait(shows("#login-error", "Your link does not let you in: the token's signature is wrong"))
}

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
