package engine

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gobwas/ws"
	"pgregory.net/rapid"
)

// letter is one thing that waits to be written: a whole frame as its connection is to get it.
type letter []byte

func (l letter) isControl() bool { return ws.OpCode(l[0] & 0x0f).IsControl() }

// outboxModel is an outbox that is too simple to be wrong: what waits, in two lists, and all that was taken out.
type outboxModel struct {
	real    outbox
	chat    []letter // taken in, not known to be lost, in order
	control []letter // the same for control frames
	out     []byte   // what next gave
}

// TestOutbox compares the outbox with its model whatever is done to it in whatever order.
func TestOutbox(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &outboxModel{}
		m.real.window = rapid.SampledFrom([]uint8{0, 8, 9, 12, maxWindow}).Draw(t, "window")
		t.Repeat(map[string]func(*rapid.T){
			"add":     func(t *rapid.T) { m.add(drawFrame(t)) },
			"join":    func(t *rapid.T) { m.add(Join([]*Frame{drawFrame(t), drawFrame(t), drawFrame(t)})) },
			"control": m.addControl,
			"next":    m.next,
			"drop":    func(*rapid.T) { m.drop() },
			"":        m.check,
		})
		for !m.real.empty() {
			m.next(t)
		}
		m.check(t)
		m.checkOutput(t)
	})
}

// noise are random bytes, of one, four and all 256 kinds: such as shrink well, a little and not at all.
var noise = func() (kinds [3][]byte) {
	random := rand.NewChaCha8([32]byte{})
	for i, mask := range []byte{0, 3, 255} {
		kinds[i] = make([]byte, 300_000)
		_, _ = random.Read(kinds[i])
		for j := range kinds[i] {
			kinds[i][j] &= mask
		}
	}
	return kinds
}()

// drawPayload makes up to most bytes.
func drawPayload(t *rapid.T, most int) []byte {
	size := rapid.OneOf(rapid.IntRange(0, min(300, most)), rapid.IntRange(most/3, most*4/10), rapid.IntRange(0, most)).Draw(t, "size")
	kind := noise[rapid.IntRange(0, len(noise)-1).Draw(t, "kind")]
	return kind[rapid.IntRange(0, len(kind)-size).Draw(t, "from"):][:size]
}

// drawFrame makes a message of up to 180,000 bytes, often of about writeSize.
func drawFrame(t *rapid.T) *Frame {
	return NewFrame(rapid.Bool().Draw(t, "binary"), drawPayload(t, 180_000))
}

func (m *outboxModel) add(f *Frame) {
	m.real.add(f)
	m.chat = append(m.chat, f.bytes(m.real.window))
}

func (m *outboxModel) addControl(t *rapid.T) {
	payload := rapid.SliceOfN(rapid.Byte(), 0, maxPayload).Draw(t, "payload")
	frame := controlFrame(ws.OpPong, payload)
	size := len(frame)
	for _, c := range m.waitingControl() {
		size += len(c)
	}
	if size > maxControl { // those that wait give way to the newest
		m.control = m.control[:len(m.control)-len(m.waitingControl())]
	}
	m.real.addControl(frame)
	m.control = append(m.control, frame)
}

// waitingControl are the control frames that are not in the output yet.
func (m *outboxModel) waitingControl() []letter {
	written := 0
	for _, l := range letters(m.out, m.chat) {
		if l.isControl() {
			written++
		}
	}
	return m.control[written:]
}

func (m *outboxModel) next(t *rapid.T) {
	begun, control := m.real.offset > 0, m.waitingControl()
	b := m.real.next(func() []byte { return make([]byte, writeSize) })
	switch {
	case len(b) > writeSize:
		t.Fatalf("next gave %d bytes", len(b))
	case !begun && len(control) > 0 && !bytes.HasPrefix(b, control[0]):
		t.Fatal("chat was written before a control frame, though no frame had begun")
	}
	m.out = append(m.out, b...)
}

// drop takes out of the model the chat of which no byte is written.
func (m *outboxModel) drop() {
	m.real.drop()
	begun := 0
	for _, l := range letters(m.out, m.chat) {
		if !l.isControl() {
			begun++
		}
	}
	m.chat = m.chat[:begun]
}

// check compares the cost with that of the frames that wait, and emptiness with what the model says must still come.
func (m *outboxModel) check(t *rapid.T) {
	left := -len(m.out)
	for _, l := range slices.Concat(m.chat, m.control) {
		left += len(l)
	}
	cost := 0
	for _, f := range m.real.frames {
		cost += f.cost()
	}
	if m.real.bytes != cost {
		t.Fatalf("the outbox counts %d, its frames cost %d", m.real.bytes, cost)
	}
	if m.real.empty() != (left == 0) {
		t.Fatalf("empty is %v with %d bytes waiting", m.real.empty(), left)
	}
}

// checkOutput finds the model's frames in the output: each kind in order, whole, and nothing else.
func (m *outboxModel) checkOutput(t *rapid.T) {
	chat, control := m.chat, m.control
	for _, l := range letters(m.out, m.chat) {
		from := &chat
		if l.isControl() {
			from = &control
		}
		if len(*from) == 0 || !bytes.Equal(l, (*from)[0]) {
			t.Fatal("a frame was lost, doubled, changed or out of order")
		}
		*from = (*from)[1:]
	}
	if len(chat)+len(control) > 0 {
		t.Fatalf("%d frames and %d control frames never came out", len(chat), len(control))
	}
}

// letters cuts out where one frame of chat or one control frame ends and the next begins; the last may be in part.
func letters(out []byte, chat []letter) []letter {
	var cut []letter
	for len(out) > 0 {
		n := 0
		if letter(out).isControl() {
			n = 2 + int(out[1])
		} else {
			n, chat = len(chat[0]), chat[1:]
		}
		n = min(n, len(out))
		cut, out = append(cut, out[:n]), out[n:]
	}
	return cut
}

func TestOutboxReleasesFrames(t *testing.T) {
	var o outbox
	for range 5 {
		o.add(NewFrame(false, []byte("hello")))
	}
	for !o.empty() {
		o.next(func() []byte { return make([]byte, writeSize) })
	}
	if o.frames != nil || o.inline != [2]*Frame{} {
		t.Error("an empty outbox holds on to frames")
	}
	o.add(NewFrame(false, []byte("hello")))
	o.addControl([]byte{finBit | byte(ws.OpPing), 0})
	o.clear()
	if !o.empty() || o.bytes != 0 {
		t.Error("a cleared outbox is not empty")
	}
}
