package report

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// Live is the view of a run while it goes on. On a terminal it is a block of a few lines at the bottom that is redrawn
// in place; elsewhere it is a plain line now and then. It belongs to one goroutine, and it has no clock: the time
// comes in with the data.
type Live struct {
	w        io.Writer
	terminal bool
	width    func() int
	drawn    int // lines of the block that stand on the terminal
	started  bool
	point    Point
	now      Progress
	began    Progress // the first of this phase, from which the time left is told
	said     Progress // when the last plain line was written
}

// Progress is how far a phase is. What counts in users while connecting is in seconds later on.
type Progress struct {
	At    float64 // seconds since the start of the run
	Phase string  // as [Phase.Name]
	Done  float64
	Of    float64 // 0: no end is known, and no bar is drawn
	What  string  // what Done and Of count: "users", or "s" for seconds

	Turned int    // attempts of users to come in that have failed in this phase
	Why    string // the most frequent reason; empty where there is none
}

const (
	barWidth      = 24
	plainColumns  = 240 // of a plain line
	plainEvery    = 5.0 // seconds between two plain lines
	plainLeast    = 1.0 // seconds between two at least, however fast users connect
	plainProgress = 0.1 // of the users, after which one is written sooner
)

// The control sequences of a terminal that the view uses (ECMA-48; the cursor's are DEC's).
const (
	hideCursor = "\x1b[?25l"
	showCursor = "\x1b[?25h"
	cursorUp   = "\x1b[%dA"
	clearRight = "\x1b[K" // from the cursor to the end of the line
	clearBelow = "\x1b[J" // from the cursor to the end of the screen
)

// NewLive makes a view on w. On a terminal, width is asked at each drawing for the columns; nil, or 0 columns, mean
// 80. Nothing is written before the first call of another method.
func NewLive(w io.Writer, terminal bool, width func() int) *Live {
	return &Live{w: w, terminal: terminal, width: width}
}

// Update shows the figures of one more second; plain lines are written by it alone.
func (l *Live) Update(p Point) {
	l.point = p
	l.now.At = max(l.now.At, p.At)
	switch {
	case l.terminal:
		l.draw("")
	case l.due():
		l.said = l.now
		fmt.Fprintln(l.w, plain(l.plainLine(), plainColumns))
	}
}

// Phase shows how far the run is. The first call with another phase starts the reckoning of the time left anew.
func (l *Live) Phase(p Progress) {
	if p.Phase != l.now.Phase {
		l.began = p
	}
	l.now = p
	if l.terminal {
		l.draw("")
	}
}

// Say writes a notice of one line that stays, above the block.
func (l *Live) Say(line string) {
	if !l.terminal {
		fmt.Fprintln(l.w, plain(line, plainColumns))
		return
	}
	l.draw(plain(line, l.columns()))
}

// Close takes the block away and gives the cursor back. The Live is not used after it; a second Close does nothing.
func (l *Live) Close() {
	if l.terminal && l.started {
		fmt.Fprint(l.w, l.home()+clearBelow+showCursor)
		l.started, l.drawn = false, 0
	}
}

// columns leaves the last column free: some terminals wrap when it is written.
func (l *Live) columns() int {
	n := 0
	if l.width != nil {
		n = l.width()
	}
	if n <= 0 {
		n = 80
	}
	return max(n-1, 1)
}

// home moves the cursor to the start of the block.
func (l *Live) home() string {
	if l.drawn == 0 {
		return "\r"
	}
	return "\r" + fmt.Sprintf(cursorUp, l.drawn)
}

// draw writes the notice, if any, and the block anew over the old one. It is one write, and each line is overwritten
// before its rest is cleared, so that nothing flickers.
func (l *Live) draw(notice string) {
	var b strings.Builder
	if !l.started {
		b.WriteString(hideCursor)
		l.started = true
	}
	b.WriteString(l.home())
	if notice != "" {
		b.WriteString(notice + clearRight + "\n")
	}
	lines := l.block()
	for _, line := range lines {
		b.WriteString(plain(line, l.columns()) + clearRight + "\n")
	}
	b.WriteString(clearBelow)
	l.drawn = len(lines)
	fmt.Fprint(l.w, b.String())
}

// block is what stands on a terminal.
func (l *Live) block() []string {
	if l.now.Phase == "" {
		return nil
	}
	p := &l.point
	lines := []string{
		fmt.Sprintf("%-11s %s", l.now.Phase, l.progress()),
		fmt.Sprintf("%-11s %s", "users", l.users()),
		fmt.Sprintf("%-11s %s/s sent   %s/s delivered", "messages", number(math.Round(p.Sent)), number(math.Round(p.Delivered))),
	}
	if p.Duplicated+p.Reordered > 0 {
		lines[2] += fmt.Sprintf("   %s duplicated   %s reordered", grouped(p.Duplicated), grouped(p.Reordered))
	}
	rows := make([][]string, 0, len(LatencyMetrics))
	for _, name := range LatencyMetrics {
		if p99, ok := p.P99[name]; ok && p99 > 0 {
			rows = append(rows, []string{
				fmt.Sprintf("%-11s", name), "p50", duration(p.P50[name]), " p99", duration(p99), " max", duration(p.Max[name]),
			})
		}
	}
	for _, line := range columns(rows) {
		lines = append(lines, strings.Replace(line, "  ", " ", 1))
	}
	if p.ServerMem > 0 {
		lines = append(lines, fmt.Sprintf("%-11s %s", "server", cost(p.ServerCPU, p.ServerMem)))
	}
	return append(lines, fmt.Sprintf("%-11s %s", "generator", l.generator()))
}

// progress is the bar, and how much is left.
func (l *Live) progress() string {
	p := &l.now
	if p.Of <= 0 {
		return duration(p.At - l.began.At)
	}
	full := int(barWidth * min(max(p.Done/p.Of, 0), 1))
	return strings.Repeat("█", full) + strings.Repeat("░", barWidth-full) + "  " + l.far()
}

// far is how far the phase is in words: 7,500 of 15,000 users (50 %), 4 s left.
func (l *Live) far() string {
	p := &l.now
	if p.What == "s" {
		return fmt.Sprintf("%s of %s", duration(math.Round(p.Done)), duration(p.Of))
	}
	text := fmt.Sprintf("%s of %s %s (%.0f %%)", grouped(int64(p.Done)), grouped(int64(p.Of)), p.What, 100*p.Done/p.Of)
	if came, took := p.Done-l.began.Done, p.At-l.began.At; came > 0 && took > 0 && p.Done < p.Of {
		text += fmt.Sprintf(", %s left", duration(math.Ceil((p.Of-p.Done)*took/came)))
	}
	return text
}

func (l *Live) users() string {
	text := fmt.Sprintf("%s connected   %s failed", grouped(int64(l.point.Connected)), grouped(int64(l.point.Failed)))
	if l.now.Turned > 0 {
		text += "   " + l.turned()
	}
	return text
}

// turned tells of attempts that failed, though their users may still come in: 812 attempts in vain (refused: 503 …).
func (l *Live) turned() string {
	return fmt.Sprintf("%s in vain (%s)", plural(int64(l.now.Turned), "attempt"), l.now.Why)
}

func (l *Live) generator() string {
	state := "keeps up"
	if l.point.Stalled > 0 {
		state = "STALLED " + duration(l.point.Stalled)
	}
	return cost(l.point.ClientCPU, l.point.ClientMem) + "   " + state
}

func cost(cpu float64, memory int64) string {
	return fmt.Sprintf("%s processors   %s", number(roundTo(cpu)), size(float64(memory)))
}

// due tells whether a plain line is to be written: at once in a new phase, then every 5 seconds, and while users
// connect at every tenth of them too, though not more than one a second.
func (l *Live) due() bool {
	if l.now.Phase == "" {
		return false
	}
	if l.now.Phase != l.said.Phase {
		return true
	}
	passed := l.now.At - l.said.At
	if passed >= plainEvery {
		return true
	}
	tenth := func(p *Progress) float64 { return math.Floor(p.Done / p.Of / plainProgress) }
	return l.now.What != "s" && l.now.Of > 0 && passed >= plainLeast && tenth(&l.now) > tenth(&l.said)
}

// plainLine is the whole of the view in one line.
func (l *Live) plainLine() string {
	p := &l.point
	far := duration(l.now.At - l.began.At)
	if l.now.Of > 0 {
		far = l.far()
	}
	parts := []string{fmt.Sprintf("%7s  %s %s", duration(math.Round(l.now.At)), l.now.Phase, far)}
	if p.Failed > 0 {
		parts = append(parts, grouped(int64(p.Failed))+" failed")
	}
	if l.now.Turned > 0 {
		parts = append(parts, l.turned())
	}
	if p.Sent+p.Delivered > 0 {
		parts = append(parts, fmt.Sprintf("%s/s sent, %s/s delivered", number(math.Round(p.Sent)), number(math.Round(p.Delivered))))
	}
	if p.ServerMem > 0 {
		parts = append(parts, fmt.Sprintf("server %s cpu %s", number(roundTo(p.ServerCPU)), size(float64(p.ServerMem))))
	}
	if p.Stalled > 0 {
		parts = append(parts, "generator stalled "+duration(p.Stalled))
	}
	var tails []string
	for _, name := range LatencyMetrics {
		if p99 := p.P99[name]; p99 > 0 {
			tails = append(tails, name+" "+duration(p99))
		}
	}
	if len(tails) > 0 {
		parts = append(parts, "p99 "+strings.Join(tails, ", "))
	}
	return strings.Join(parts, "; ")
}
