package engine

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gobwas/ws"
)

// outcome is all that came of some bytes: what the session got and what the peer got.
type outcome struct {
	messages []message
	frames   []seen
	told     int // calls of Closed
}

func (o outcome) equal(p outcome) bool {
	return o.told == p.told && slices.Equal(o.messages, p.messages) && slices.Equal(o.frames, p.frames)
}

// ended is the code of the close frame, 0 when there was none.
func (o outcome) ended() uint16 {
	if len(o.frames) == 0 {
		return 0
	}
	return o.frames[len(o.frames)-1].code()
}

// decode gives pieces, one read each, to a new connection.
func decode(t testing.TB, e *Engine, window uint8, pieces [][]byte) outcome {
	t.Helper()
	m, r := &memory{room: -1}, &recorder{}
	c := connect(t, e, m, window, r.open)
	for _, b := range pieces {
		c.arrive(bytes.Clone(b)) // decoding changes it
		if c.in == nil && c.begun.Load() != 0 {
			t.Fatal("a connection that waits has a message begun")
		}
	}
	return outcome{r.heard(), frames(t, m.output()), r.told()}
}

// chop cuts b at random into pieces of about size bytes.
func chop(b []byte, size int, random *rand.Rand) (pieces [][]byte) {
	for len(b) > 0 {
		n := min(1+random.IntN(2*size), len(b))
		pieces, b = append(pieces, b[:n]), b[n:]
	}
	return pieces
}

// decodeAll decodes b in one read, byte by byte and in random pieces, and expects the same every time.
func decodeAll(t *testing.T, e *Engine, window uint8, b []byte) outcome {
	t.Helper()
	want := decode(t, e, window, [][]byte{b})
	random := rand.New(rand.NewPCG(1, 2))
	cuts := [][][]byte{slices.Collect(slices.Chunk(b, 1))}
	for _, size := range []int{2, 7, 50} {
		cuts = append(cuts, chop(b, size, random))
	}
	for _, pieces := range cuts {
		if got := decode(t, e, window, pieces); !got.equal(want) {
			t.Fatalf("in %d reads: %v\nin one read: %v", len(pieces), got, want)
		}
	}
	return want
}

// decodeCase is what a peer sends and what comes of it.
type decodeCase struct {
	name   string
	sent   [][]byte
	want   []message
	frames []seen // sent back before the close frame
	code   uint16 // of the close frame; 0 for none
}

func text(s string) message           { return message{false, s} }
func bin(s string) message            { return message{true, s} }
func pong(s string) seen              { return unmasked(ws.OpPong, s) }
func messages(m ...message) []message { return m }

// run decodes what was sent, however it is cut.
func (d decodeCase) run(t *testing.T, e *Engine, window uint8) {
	got := decodeAll(t, e, window, slices.Concat(d.sent...))
	if !slices.Equal(got.messages, d.want) {
		t.Errorf("messages %v, want %v", got.messages, d.want)
	}
	if got.ended() != d.code {
		t.Errorf("closed with %d (%v), want %d", got.ended(), got.frames, d.code)
	}
	answers := got.frames
	if d.code != 0 && len(answers) > 0 {
		answers = answers[:len(answers)-1]
	}
	if !slices.Equal(answers, d.frames) {
		t.Errorf("sent back %v, want %v", answers, d.frames)
	}
	if closes := d.code != 0; closes != (got.told == 1) {
		t.Errorf("the session was told %d times", got.told)
	}
}
