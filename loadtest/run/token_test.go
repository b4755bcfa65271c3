package run

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"throng/loadtest/ledger"
)

// secret is what tokens are signed with.
const secret = "0123456789abcdef0123456789abcdef"

// sign makes a token that is valid for an hour.
func sign(nick string) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": nick, "exp": time.Now().Add(time.Hour).Unix()}).
		SignedString([]byte(secret))
}

// guarded is a server that asks for tokens, and the file of their key.
func guarded(t *testing.T, settings ...string) (addr, key string) {
	t.Helper()
	key = filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	return started(t, append(settings, "--auth", "jwt", "--jwt-key", key)...).Addr, key
}

// TestTokens loads a server that asks for tokens, in each dialect and over several processes: everybody comes in, and comes back, and
// hears all.
func TestTokens(t *testing.T) {
	t.Parallel()
	addr, _ := guarded(t)
	for _, dialect := range []string{"v2", "tutorial"} {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			p := small("storm", addr)
			p.Dialect, p.Token, p.Processes, p.Duration = dialect, sign, 2, 2*time.Second
			res := begin(t, p).done()
			if a := res.Total; a.Lost+a.Duplicated+a.Reordered != 0 || a.Delivered == 0 || res.Plan.Dialect != dialect {
				t.Errorf("total %+v over %s, reasons %v", a, res.Plan.Dialect, res.Connect.Reasons)
			}
			if c := res.Connect; c.Connected != p.Users || c.Again != p.Users || c.Failed != 0 {
				t.Errorf("connections %+v", c)
			}
		})
	}
}

// TestNoTokens checks that a run without tokens, or with those of somebody else, says why nobody comes in, and nothing of the tokens.
func TestNoTokens(t *testing.T) {
	t.Parallel()
	addr, _ := guarded(t)
	for _, c := range []struct {
		name, dialect string
		token         Token
		want          string
	}{
		{"none", "tutorial", nil, "401"},
		{"none", "v2", nil, "a token is needed"},
		{"somebody else's", "tutorial", func(string) (string, error) { return sign("eve") }, "401"},
		{"somebody else's", "v2", func(string) (string, error) { return sign("eve") }, "the token is for another nick"},
		{"cannot be made", "v2", func(string) (string, error) { return "", errors.New("no more ink") }, "no more ink"},
	} {
		t.Run(c.name+", "+c.dialect, func(t *testing.T) {
			t.Parallel()
			p := small("idle", addr)
			p.Users, p.Dialect, p.Token = 2, c.dialect, c.token
			_, err := begin(t, p).outcome()
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "eyJ") {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

// TestHandTokens hands a worker its tokens in several orders, and refuses more of them than it has users.
func TestHandTokens(t *testing.T) {
	w := &worker{users: make([]user, 3), share: share{From: 7, To: 10}}
	p := Plan{Token: func(nick string) (string, error) { return "of " + nick, nil }}
	for _, part := range [][2]int{{7, 9}, {9, 10}} {
		tokens, err := p.tokens(5, part[0], part[1])
		if err == nil {
			err = w.takeTokens(tokens)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, token := range w.tokens {
		if want := "of " + ledger.Nick(5, 7+i); token != want {
			t.Errorf("token %q, want %q", token, want)
		}
	}
	if len(w.tokens) != 3 || w.takeTokens([]string{"one more"}) == nil {
		t.Errorf("tokens %q, and one more was taken", w.tokens)
	}
}

// TestTokenCommand has the program sign them, for an audience and of an issuer, and hand them to its workers.
func TestTokenCommand(t *testing.T) {
	t.Parallel()
	addr, key := guarded(t, "--jwt-audience", "chat", "--jwt-issuer", "here")
	s := execute(t, []string{"THRONG_LOAD_JWT_ISSUER=here"}, "load", "--url", "ws://"+addr, "--jwt-key", key, "--jwt-audience", "chat", "--users", "50",
		"--processes", "2", "--scenario", "idle", "--ramp", "0", "--warm-up", "0", "--duration", "500ms", "--json", "-")
	s.wait()
	if res := s.result(); res.Connect.Connected != 50 || res.Partial != "" {
		t.Errorf("connections %+v, %s", res.Connect, res.Partial)
	}
}
