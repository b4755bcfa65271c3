package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"throng/deploy/config"
)

// TestReadiness shows that who asks learns every reason, each at 503, and that it goes when its reason goes.
func TestReadiness(t *testing.T) {
	r := start(t, func(s *config.Serve) { s.MaxConns = 1 })
	expect := func(status int, text string) {
		t.Helper()
		if got, body := r.get("/readyz"); got != status || body != text+"\n" {
			t.Errorf("%d %q, want %d %q", got, body, status, text)
		}
	}
	expect(http.StatusOK, "ready")
	c := r.join("ann")
	c.hear("presence")
	expect(http.StatusServiceUnavailable, "at capacity: 1 of 1 connections")
	r.engine.Drain()
	expect(http.StatusServiceUnavailable, "draining\nat capacity: 1 of 1 connections")
	_, body := r.get("/readyz", "Accept", "application/json")
	var answer struct {
		Ready   bool
		Reasons []reason
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Ready || len(answer.Reasons) != 2 || answer.Reasons[1].Reason != "full" {
		t.Errorf("%v of %s", err, body)
	}
	if status, body := r.get("/healthz"); status != http.StatusOK || body != "ok\n" {
		t.Errorf("healthz: %d %q", status, body)
	}
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, isSo func() bool) {
	t.Helper()
	for until := time.Now().Add(time.Minute); !isSo(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal(what)
		}
	}
}

// TestReadinessByMemory has a server that has more memory in use than it may: who asks learns of it while newcomers are refused.
func TestReadinessByMemory(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "off") // so that the limit is not this process's
	r := start(t, func(s *config.Serve) { s.MaxMemory = 1 << 20 })
	var body string
	eventually(t, "memory is no reason", func() bool {
		var status int
		status, body = r.get("/readyz")
		return status == http.StatusServiceUnavailable
	})
	if !strings.HasPrefix(body, "short of memory: ") || !strings.HasSuffix(body, " of 1 MiB\n") {
		t.Errorf("readyz: %q", body)
	}
	if _, status := r.knock(chatPath+"ann", false, nil); status != http.StatusServiceUnavailable {
		t.Errorf("a newcomer gets %d", status)
	}
	if status, body := r.get("/healthz"); status != http.StatusOK {
		t.Errorf("healthz: %d %q", status, body)
	}
}

// TestReadinessByKeys has a server whose source of keys is down at the start: it is ready when it has had keys once, and stays so.
func TestReadinessByKeys(t *testing.T) {
	const keys = `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
	for name, first := range map[string]http.HandlerFunc{
		"down":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"no keys": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"keys":[]}`) },
		"elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://keys.example/", http.StatusFound)
		},
		"huge": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 2<<20)) },
	} {
		t.Run(name, func(t *testing.T) {
			var isUp atomic.Bool
			source := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if isUp.Load() {
					fmt.Fprint(w, keys)
				} else {
					first(w, r)
				}
			}))
			defer source.Close()
			r := start(t, func(s *config.Serve) { s.Auth, s.JWKS = "jwt", source.URL })
			read := func(result string, times float64) {
				t.Helper()
				eventually(t, "the keys are not read", func() bool { return r.counted("throng_auth_key_reads_total", result) >= times })
			}
			read("failed", 1)
			status, body := r.get("/readyz", "Accept", "application/json")
			if status != http.StatusServiceUnavailable || !strings.Contains(body, `"reasons":[{"reason":"keys",`) {
				t.Errorf("without keys: %d %s", status, body)
			}
			isUp.Store(true)
			r.gate.verifier.Reload()
			read("ok", 1)
			if status, body := r.get("/readyz"); status != http.StatusOK {
				t.Errorf("with keys: %d %s", status, body)
			}
			isUp.Store(false)
			r.gate.verifier.Reload()
			read("failed", 2)
			if status, body := r.get("/readyz"); status != http.StatusOK {
				t.Errorf("with the keys of before: %d %s", status, body)
			}
		})
	}
}

// counted is what a counter has for one value of its label.
func (r *running) counted(name, label string) (sum float64) {
	r.t.Helper()
	families, err := r.stats.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && len(m.GetLabel()) == 1 && m.GetLabel()[0].GetValue() == label {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// TestReadinessOfAHang has the engine's clock stand still, as it does when its loops have ended.
func TestReadinessOfAHang(t *testing.T) {
	r := start(t, nil)
	if err := r.engine.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a hang is no reason", func() bool {
		_, body := r.get("/readyz")
		return strings.Contains(body, "the sweep has stood still for ")
	})
	if status, body := r.get("/healthz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "stood still") {
		t.Errorf("healthz: %d %q", status, body)
	}
}
