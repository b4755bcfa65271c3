package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// play shows a whole run on l: 12 seconds of connecting, then the steady phase.
func play(l *Live) {
	l.Say("starting 2 servers")
	for i, p := range rich().Series {
		switch p.Phase {
		case "connect":
			l.Phase(Progress{At: p.At, Phase: p.Phase, Done: float64(p.Connected), Of: 15000, What: "users"})
		case Steady:
			l.Phase(Progress{At: p.At, Phase: p.Phase, Done: p.At - 15, Of: 30, What: "s"})
		default:
			l.Phase(Progress{At: p.At, Phase: p.Phase})
		}
		l.Update(p)
		if i == 20 {
			l.Say("worker 2: reconnected \x1b[2J 3 users")
		}
	}
	l.Close()
	l.Close()
}

func TestLivePlainGolden(t *testing.T) {
	var b bytes.Buffer
	play(NewLive(&b, false, nil))
	if strings.Contains(b.String(), "\x1b") {
		t.Error("control sequences without a terminal")
	}
	golden(t, "live-plain.golden.txt", b.Bytes())
}

func TestLiveTerminalGolden(t *testing.T) {
	var b bytes.Buffer
	play(NewLive(&b, true, func() int { return 60 }))
	golden(t, "live-terminal.golden.txt", []byte(strings.ReplaceAll(b.String(), "\x1b", "␛")))
}

// The screen of a terminal after all of it: the notices alone, and the cursor back.
func TestLiveLeavesTheTerminalClean(t *testing.T) {
	for _, width := range []int{0, 1, 2, 20, 60, 200} {
		var b bytes.Buffer
		play(NewLive(&b, true, func() int { return width }))
		s := newScreen()
		s.write(t, b.String())
		if s.hidden {
			t.Error("the cursor stays hidden")
		}
		var left []string
		for _, line := range s.lines {
			if line != "" {
				left = append(left, line)
			}
		}
		columns := max(width-1, 1)
		if width == 0 {
			columns = 79
		}
		want := []string{plain("starting 2 servers", columns), plain("worker 2: reconnected  [2J 3 users", columns)}
		if fmt.Sprint(left) != fmt.Sprint(want) {
			t.Errorf("width %d: %q is left", width, left)
		}
		if s.widest > columns {
			t.Errorf("width %d: a line of %d columns", width, s.widest)
		}
	}
}

func TestLiveBlock(t *testing.T) {
	var b bytes.Buffer
	l := NewLive(&b, true, func() int { return 100 })
	r := rich()
	l.Phase(Progress{At: 20, Phase: Steady, Done: 5, Of: 30, What: "s"})
	l.Update(r.Series[30])
	s := newScreen()
	s.write(t, b.String())
	golden(t, "live-block.golden.txt", []byte(strings.Join(s.lines, "\n")))
	if !s.hidden {
		t.Error("the cursor is shown in the midst of the block")
	}
}

// The reason for which users do not come in stands in both views.
func TestLiveTurnedAway(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		for turned, want := range map[int]string{
			0: "", 1: "1 attempt in vain (refused: 503 Service Unavailable)", 1200: "1,200 attempts in vain (refused: 503 Service Unavailable)",
		} {
			var b bytes.Buffer
			l := NewLive(&b, terminal, func() int { return 200 })
			l.Phase(Progress{At: 3, Phase: "connect", Of: 9, What: "users", Turned: turned, Why: "refused: 503 Service Unavailable"})
			l.Update(Point{At: 3})
			if !strings.Contains(b.String(), want) || strings.Contains(b.String(), "in vain") != (want != "") {
				t.Errorf("terminal %v: %q, want %q", terminal, b.String(), want)
			}
		}
	}
}

func TestLiveClosedUnused(t *testing.T) {
	var b bytes.Buffer
	NewLive(&b, true, nil).Close()
	if b.Len() != 0 {
		t.Errorf("wrote %q", b.String())
	}
}

// screen is as much of a terminal as the view needs.
type screen struct {
	lines  []string
	row    int
	hidden bool
	widest int
}

func newScreen() *screen { return &screen{lines: []string{""}} }

func (s *screen) write(t *testing.T, text string) {
	t.Helper()
	for text != "" {
		var up int
		switch {
		case strings.HasPrefix(text, hideCursor):
			s.hidden, text = true, text[len(hideCursor):]
		case strings.HasPrefix(text, showCursor):
			s.hidden, text = false, text[len(showCursor):]
		case strings.HasPrefix(text, clearBelow):
			s.lines, text = append(s.lines[:s.row], ""), text[len(clearBelow):]
		case strings.HasPrefix(text, "\r"):
			text = text[1:]
		case strings.HasPrefix(text, "\x1b"):
			if _, err := fmt.Sscanf(text, cursorUp, &up); err != nil || up > s.row {
				t.Fatalf("%.9q, at row %d", text, s.row)
			}
			s.row, text = s.row-up, text[strings.Index(text, "A")+1:]
		default: // a whole line over what stood there
			line, rest, ok := strings.Cut(text, clearRight+"\n")
			if !ok {
				t.Fatalf("a line that does not clear its rest: %.40q", text)
			}
			s.widest = max(s.widest, len([]rune(line)))
			s.lines[s.row] = line
			if s.row++; s.row == len(s.lines) {
				s.lines = append(s.lines, "")
			}
			text = rest
		}
	}
}
