package server

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"throng/deploy/config"
)

const (
	dashboardFile = "../grafana/throng.json"
	alertsFile    = "../prometheus/alerts.yml"
	scrapeFile    = "../prometheus/prometheus.yml"
)

// panel is what is checked of a dashboard's panel.
type panel struct {
	ID      int    `json:"id"`
	Type    string `json:"type"`
	Title   string `json:"title"`
	GridPos struct{ H, W, X, Y int }
	Targets []struct{ Expr, RefID string }
}

// dashboard is what is checked of it.
type dashboard struct {
	SchemaVersion int    `json:"schemaVersion"`
	UID           string `json:"uid"`
	Panels        []panel
	Templating    struct {
		List []struct{ Name, Type, Definition string }
	}
}

func readDashboard(t *testing.T) (d dashboard, exprs []string) {
	t.Helper()
	text, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			exprs = append(exprs, target.Expr)
		}
	}
	return d, exprs
}

// named are the names of all metrics that a server may have, with what histograms make of theirs.
func named(t *testing.T) map[string]bool {
	t.Helper()
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte("a secret of thirty-two bytes, or more"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, func(s *config.Serve) {
		s.OTLP = "http://127.0.0.1:1/v1/traces"
		s.Auth, s.JWTKey, s.AuthCookie, s.MaxConnsPerNick = "jwt", keys, "throng_token", 1
		s.WebhookURL, s.WebhookSecret, s.WebhookEvents = "http://127.0.0.1:1/", [][]byte{[]byte("sixteen bytes or more")}, []string{"message"}
		s.WebhookKeep, s.WebhookTimeout = time.Hour, time.Second
	})
	descs := make(chan *prometheus.Desc)
	go func() {
		r.stats.Describe(descs)
		close(descs)
	}()
	names := map[string]bool{"up": true}
	name := regexp.MustCompile(`fqName: "([^"]+)"`)
	for d := range descs {
		n := name.FindStringSubmatch(d.String())[1]
		names[n] = true
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			names[n+suffix] = true
		}
	}
	return names
}

var metricName = regexp.MustCompile(`\b(throng|go|process)_[a-z0-9_]+\b`)

// TestDashboardAndAlertsNameWhatThereIs holds every metric that the dashboard, the alerts and the README name against those of a
// running server.
func TestDashboardAndAlertsNameWhatThereIs(t *testing.T) {
	names := named(t)
	_, exprs := readDashboard(t)
	texts := map[string]string{dashboardFile: strings.Join(exprs, "\n")}
	for _, file := range []string{alertsFile, "../../README.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[file] = string(text)
	}
	for file, text := range texts {
		for _, name := range metricName.FindAllString(text, -1) {
			if !names[name] && !strings.HasSuffix(name, "_") && name != "throng_token" { // a prefix stands for many; the last is a cookie
				t.Errorf("%s: there is no %s", file, name)
			}
		}
	}
}

// TestDashboardIsWhole shows that panels have ids of their own and lie side by side, and that each asks for something.
func TestDashboardIsWhole(t *testing.T) {
	d, _ := readDashboard(t)
	if d.SchemaVersion < 36 || d.UID == "" {
		t.Errorf("schema %d, uid %q", d.SchemaVersion, d.UID)
	}
	ids, cells := map[int]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if ids[p.ID] || p.ID == 0 {
			t.Errorf("%s: id %d is another's", p.Title, p.ID)
		}
		ids[p.ID] = true
		g := p.GridPos
		if g.W < 1 || g.H < 1 || g.X < 0 || g.X+g.W > 24 {
			t.Errorf("%s lies outside of the grid: %+v", p.Title, g)
		}
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if other, ok := cells[[2]int{x, y}]; ok {
					t.Fatalf("%s lies on %s", p.Title, other)
				}
				cells[[2]int{x, y}] = p.Title
			}
		}
		if (len(p.Targets) == 0) != (p.Type == "row") {
			t.Errorf("%s, a %s, asks for %d things", p.Title, p.Type, len(p.Targets))
		}
		refs := map[string]bool{}
		for _, target := range p.Targets {
			if refs[target.RefID] || target.RefID == "" {
				t.Errorf("%s: reference %q twice", p.Title, target.RefID)
			}
			refs[target.RefID] = true
		}
	}
}

// TestQueriesParse has promtool, of the package prometheus, read the alerts, the configuration, and what the panels ask for.
func TestQueriesParse(t *testing.T) {
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed: apt install prometheus")
	}
	_, exprs := readDashboard(t)
	rules := "groups:\n  - name: panels\n    rules:\n"
	for i, expr := range exprs {
		expr = strings.NewReplacer("$__rate_interval", "5m", "$job", ".*", "$instance", ".*").Replace(expr)
		rules += fmt.Sprintf("      - record: panel:%d\n        expr: %q\n", i, expr)
	}
	panels := filepath.Join(t.TempDir(), "panels.yml")
	if err := os.WriteFile(panels, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"check", "config", scrapeFile}, {"check", "rules", alertsFile}, {"check", "rules", panels}} {
		if out, err := exec.Command(tool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
