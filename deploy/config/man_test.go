package config

import (
	"strings"
	"testing"
)

// TestMan looks for every setting of every command in the manual page, and for lines that troff would take for commands of its own.
func TestMan(t *testing.T) {
	var b strings.Builder
	if err := Man(&b, "1.2-3"); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, c := range commands() {
		if !strings.Contains(page, ".SH THRONG "+strings.ToUpper(c.about().name)+"\n") {
			t.Errorf("%s is missing", c.about().name)
		}
		for _, row := range newTable(c).rows {
			if !strings.Contains(page, ".B "+roff(row.flag())+"\n") || !strings.Contains(page, roff(row.meaning)) {
				t.Errorf("%s of %s is missing", row.flag(), c.about().name)
			}
		}
	}
	known := " .TH .SH .SS .B .I .RI .TP .PP .br .nf .fi "
	for line := range strings.Lines(page) {
		request, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.HasPrefix(line, "'") || strings.HasPrefix(line, ".") && !strings.Contains(known, " "+request+" ") {
			t.Errorf("troff takes this for a command: %s", line)
		}
	}
}
