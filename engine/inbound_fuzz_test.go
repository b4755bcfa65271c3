package engine

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gobwas/ws"
)

// FuzzInbound gives a connection arbitrary bytes, cut in two ways. Nothing may panic, what comes of them may not depend on
// the cuts, and no more than the limit may be kept.
func FuzzInbound(f *testing.F) {
	hello := packed(f, []byte("hello"))
	for _, sent := range [][]byte{
		whole(ws.OpText, "hello"),
		slices.Concat(part(ws.OpText, "κό"), whole(ws.OpPing, "p"), part(ws.OpContinuation, "\xcf"), whole(ws.OpContinuation, "\x83")),
		slices.Concat(whole(ws.OpBinary, ""), closing(CloseNormal, "bye"), whole(ws.OpText, "late")),
		slices.Concat(masked(deflatedText, hello), masked(0x42, hello[:2]), whole(ws.OpContinuation, string(hello[2:]))),
		masked(0xc2, packed(f, make([]byte, 5000))),
		header(0x82, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
		slices.Concat(part(ws.OpBinary, "x"), header(0x80, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xf0)),
		bytes.Repeat(whole(ws.OpPing, "flood"), controlBurst+1),
		[]byte("GET / HTTP/1.1\r\n\r\n"),
	} {
		f.Add(sent, uint64(1), uint8(3), false)
		f.Add(sent, uint64(2), uint8(0), true)
	}
	const limit = 1000
	e := socketless(f, Config{MaxMessage: limit})
	f.Fuzz(func(t *testing.T, b []byte, seed uint64, size uint8, deflating bool) {
		window := uint8(0)
		if deflating {
			window = maxWindow
		}
		want := decode(t, e, window, [][]byte{b})
		got := decode(t, e, window, chop(b, 1+int(size), rand.New(rand.NewPCG(seed, 0))))
		if !slices.Equal(got.messages, want.messages) || got.told != want.told || got.ended() != want.ended() {
			t.Fatalf("cut: %v\nwhole: %v", got, want)
		}
		// Pongs may give way to newer ones where many wait, but never to nothing.
		if len(want.frames) > 0 && (len(got.frames) == 0 || got.frames[len(got.frames)-1] != want.frames[len(want.frames)-1]) {
			t.Fatalf("cut: %v\nwhole: %v", got.frames, want.frames)
		}
		for _, m := range want.messages {
			if len(m.payload) > limit {
				t.Fatalf("a message of %d bytes passed the limit", len(m.payload))
			}
		}
	})
}

// FuzzKept: whatever comes, what a connection keeps of it is bounded.
func FuzzKept(f *testing.F) {
	f.Add(part(ws.OpBinary, "hello"), 200)
	f.Add(masked(0x42, []byte("hello")), 300)
	f.Add(whole(ws.OpPing, "ping")[:7], 2)
	const limit = 1000
	e := socketless(f, Config{MaxMessage: limit})
	f.Fuzz(func(t *testing.T, b []byte, times int) {
		c := connect(t, e, &memory{room: 0}, maxWindow, (&recorder{}).open)
		for range min(max(times, 1), 1000) {
			c.arrive(bytes.Clone(b))
			kept := len(c.out.control)
			if c.in != nil {
				kept += cap(c.in.message) + cap(c.in.control)
			}
			if kept > 3*limit+maxControl {
				t.Fatalf("%d bytes are kept", kept)
			}
		}
	})
}
