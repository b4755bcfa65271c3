package report

import (
	"strings"
	"testing"
)

func TestParseSLO(t *testing.T) {
	for text, want := range map[string]SLO{
		"lost==0":                   {"lost==0", "lost", "==", 0},
		" broadcast.p99  <  500ms ": {"broadcast.p99  <  500ms", "broadcast.p99", "<", .5},
		"last.max<=2s":              {"last.max<=2s", "last.max", "<=", 2},
		"ack.p99.9<20ms":            {"ack.p99.9<20ms", "ack.p99.9", "<", .02},
		"delivered.rate>=100000":    {"delivered.rate>=100000", "delivered.rate", ">=", 100000},
		"lost.ratio<0.001":          {"lost.ratio<0.001", "lost.ratio", "<", .001},
		"connected!=0":              {"connected!=0", "connected", "!=", 0},
		"server.memory < 2GiB":      {"server.memory < 2GiB", "server.memory", "<", 2 << 30},
		"server.per_user<=4.5 KiB":  {"server.per_user<=4.5 KiB", "server.per_user", "<=", 4608},
		"server.memory>1000":        {"server.memory>1000", "server.memory", ">", 1000},
		"server.per_message<1us":    {"server.per_message<1us", "server.per_message", "<", 1e-6},
		"generator.saturated==0":    {"generator.saturated==0", "generator.saturated", "==", 0},
		"server.cpu<1.5":            {"server.cpu<1.5", "server.cpu", "<", 1.5},
		"broadcast.p99.99 < 1m0.5s": {"broadcast.p99.99 < 1m0.5s", "broadcast.p99.99", "<", 60.5},
		"connect.rate>1000":         {"connect.rate>1000", "connect.rate", ">", 1000},
	} {
		got, err := ParseSLO(text)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestParseSLORefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                        `level "": want METRIC OPERATOR VALUE, such as lost==0`,
		"lost":                    `level "lost": want METRIC OPERATOR VALUE, such as lost==0`,
		"lost=0":                  `level "lost=0": no such operator "="; want == != < <= > or >=`,
		"lost=<0":                 `level "lost=<0": no such operator "=<"; want == != < <= > or >=`,
		"lsot==0":                 `level "lsot==0": no such metric "lsot"; did you mean lost?`,
		"brodcast.p99<1s":         `level "brodcast.p99<1s": no such metric "brodcast.p99"; did you mean broadcast.p99?`,
		"==0":                     `level "==0": no such metric ""; "throng load --help" lists all`,
		"happiness>9":             `level "happiness>9": no such metric "happiness"; "throng load --help" lists all`,
		"broadcast.p99<500":       `level "broadcast.p99<500": want a time with its unit, such as 500ms`,
		"broadcast.p99<-5ms":      `level "broadcast.p99<-5ms": want a time with its unit, such as 500ms`,
		"lost<5ms":                `level "lost<5ms": want a plain number, such as 0 or 100000`,
		"lost==":                  `level "lost==": want a plain number, such as 0 or 100000`,
		"lost==-1":                `level "lost==-1": want a plain number, such as 0 or 100000`,
		"lost==1e3":               `level "lost==1e3": want a plain number, such as 0 or 100000`,
		"lost==NaN":               `level "lost==NaN": want a plain number, such as 0 or 100000`,
		"lost.ratio<10":           `level "lost.ratio<10": want a part from 0 to 1, such as 0.001`,
		"server.memory<2GB":       `level "server.memory<2GB": want a size, such as 64KiB or 2GiB`,
		"generator.saturated==no": `level "generator.saturated==no": want 0 or 1`,
		"lost==0\n":               "",
		strings.Repeat("x", 201):  `level "xxxxxxxxxxxxxxxxxxxx"…: longer than 200 bytes`,
	} {
		_, err := ParseSLO(text)
		if got := ""; err != nil {
			got = err.Error()
			if got != want {
				t.Errorf("%q: %s", text, got)
			}
		} else if want != "" {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestJudge(t *testing.T) {
	tutorial := &Result{Plan: Plan{Dialect: "tutorial"}, Total: Tally{Sent: 1}}
	for _, c := range []struct {
		r     *Result
		slo   string
		kept  bool
		found string
	}{
		{rich(), "lost==0", false, "4"},
		{rich(), "lost!=0", true, "4"},
		{rich(), "lost<4", false, "4"},
		{rich(), "lost<=4", true, "4"},
		{rich(), "lost>3", true, "4"},
		{rich(), "lost>=5", false, "4"},
		{rich(), "lost.ratio<0.001", true, "0.00017 %"},
		{rich(), "failed==0", false, "3"},
		{rich(), "dropped.ratio<0.001", true, "0.013 %"},
		{rich(), "connect.rate>2000", false, "1,249/s"},
		{rich(), "acked.ratio==1", true, "100 %"},
		{rich(), "delivered.rate>=10000", true, "76,795/s"},
		{rich(), "server.memory<300MiB", false, "369 MiB"},
		{rich(), "server.cpu<=1.2", true, "1.2"},
		{rich(), "server.per_message<1us", true, "0.72 µs"},
		{rich(), "generator.saturated==0", true, "no"},
		{cut(), "generator.saturated==0", false, "yes"},
		{&Result{Plan: Plan{Rate: 1}}, "lost==0", false, "no deliveries were owed"},
		{&Result{}, "lost==0", true, "0"},
		{&Result{}, "lost.ratio<0.1", true, "0 %"},
		{cut(), "direct.p99<50ms", false, "no samples of direct"},
		{cut(), "direct.p99>50ms", false, "no samples of direct"},
		{cut(), "server.memory<2GiB", false, "no server was watched"},
		{cut(), "delivered.rate>0", false, "no second of a steady phase"},
		{cut(), "acked.ratio==1", false, "nothing was sent"},
		{tutorial, "acked==1", false, "the tutorial dialect has no acks"},
		{&Result{}, "failed==0", false, "no connections were asked for"},
		{&Result{Connect: Connect{Asked: 1}}, "dropped.ratio==0", false, "nobody was connected"},
	} {
		s, err := ParseSLO(c.slo)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Judge(c.r); got.Kept != c.kept || got.Found != c.found || got.SLO != c.slo {
			t.Errorf("%s: %+v, want %v, %s", c.slo, got, c.kept, c.found)
		}
	}
	if got := (SLO{Text: "made by hand"}).Judge(rich()); got.Kept {
		t.Error("a level that was not parsed was kept")
	}
}

func TestJudgeAll(t *testing.T) {
	lost, _ := ParseSLO("lost==0")
	direct, _ := ParseSLO("direct.p99<1s")
	r := rich()
	if Judge([]SLO{direct, lost}, r) || len(r.SLOs) != 2 || !r.SLOs[0].Kept || r.SLOs[1].Kept {
		t.Errorf("%+v", r.SLOs)
	}
	if !Judge([]SLO{direct}, r) || len(r.SLOs) != 1 {
		t.Errorf("%+v", r.SLOs)
	}
	if !Judge(nil, r) || r.SLOs != nil {
		t.Errorf("%+v", r.SLOs)
	}
}

// Every metric can be parsed by its name, is in the help text, and of a full result there is a figure.
func TestMetrics(t *testing.T) {
	help := SLOHelp()
	for _, line := range strings.Split(help, "\n") {
		if len(line) > 120 {
			t.Errorf("long line: %s", line)
		}
	}
	r := rich()
	seen := map[string]bool{}
	for _, m := range metrics {
		if seen[m.name] {
			t.Errorf("%s is there twice", m.name)
		}
		seen[m.name] = true
		value := map[unit]string{inTime: "1s", inBytes: "1KiB"}[m.unit]
		if value == "" {
			value = "1"
		}
		if _, err := ParseSLO(m.name + "<" + value); err != nil {
			t.Error(err)
		}
		if _, missing := m.of(r); missing != "" {
			t.Errorf("%s: %s", m.name, missing)
		}
		family, figure, _ := strings.Cut(m.name, ".")
		inTwo := strings.Contains(help, "\n    "+family+" ") && strings.Contains(help, "."+figure)
		if !inTwo && !strings.Contains(help, m.name) {
			t.Errorf("%s is not in the help text", m.name)
		}
	}
}

func FuzzParseSLO(f *testing.F) {
	for _, text := range []string{"lost==0", "broadcast.p99<500ms", "server.memory < 2GiB", "lost.ratio<=.5", "x", "=", "lost==9.9.9"} {
		f.Add(text)
	}
	r := rich()
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSLO(text)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r") || len(err.Error()) > 4*longestSLO+200 {
				t.Errorf("error of %q: %q", text, err)
			}
			return
		}
		if again, err := ParseSLO(s.Text); err != nil || again != s {
			t.Errorf("%q became %+v, then %+v, %v", text, s, again, err)
		}
		if !(s.Limit >= 0) {
			t.Errorf("%q: limit %v", text, s.Limit)
		}
		if v := s.Judge(r); v.Found == "" || v.Found == "not a level" {
			t.Errorf("%q: %+v", text, v)
		}
	})
}
