package engine

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"pgregory.net/rapid"
)

const deflatedText = finBit | deflateBit | byte(ws.OpText)

// packed compresses a message as RFC 7692 section 7.2.1 says, with the standard library's compressor.
func packed(t testing.TB, payload []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(payload)
	_ = w.Flush()
	return bytes.TrimSuffix(b.Bytes(), syncTail)
}

// unpacked decompresses a message as RFC 7692 section 7.2.2 says, with the standard library's decompressor.
func unpacked(packed string) (string, error) {
	r := flate.NewReader(io.MultiReader(strings.NewReader(packed), bytes.NewReader(syncTail), bytes.NewReader(lastBlock)))
	b, err := io.ReadAll(r)
	return string(b), err
}

// plain is a frame of ours as it was before compression.
func plain(t interface{ Fatal(...any) }, f seen) seen {
	if f.first&deflateBit == 0 {
		return f
	}
	payload, err := unpacked(f.payload)
	if err != nil {
		t.Fatal("frame does not inflate:", err)
	}
	return seen{f.first &^ deflateBit, payload}
}

// TestDeflate: any message comes out of an independent decompressor as it went in, and is never made longer.
func TestDeflate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		payload := drawPayload(t, 100_000)
		f := NewFrame(true, payload)
		wire := f.bytes(maxWindow)
		got, err := readFrame(bytes.NewReader(wire))
		if err != nil {
			t.Fatal(err)
		}
		if plain(t, got) != unmasked(ws.OpBinary, string(payload)) {
			t.Fatal("the message has changed")
		}
		if len(wire) > f.Size() {
			t.Fatalf("compression made %d bytes of %d", len(wire), f.Size())
		}
	})
}

// TestSmallWindows: a message is compressed for the windows that hold all of it, so that nothing can refer back beyond
// them, and plain for smaller ones.
func TestSmallWindows(t *testing.T) {
	for window := uint8(8); window <= maxWindow; window++ {
		for _, size := range []int{0, minDeflate - 1, minDeflate, 1<<window - 1, 1 << window, 1<<window + 1, 1 << 17} {
			f := NewFrame(false, bytes.Repeat([]byte("a"), size))
			got := frames(t, f.bytes(window))
			if plain(t, got[0]) != unmasked(ws.OpText, strings.Repeat("a", size)) {
				t.Fatalf("window %d, %d bytes: the message has changed", window, size)
			}
			fits := size <= 1<<window || window == maxWindow
			if compressed := got[0].first&deflateBit != 0; compressed != (fits && size >= minDeflate) {
				t.Errorf("window %d, %d bytes: compressed is %v", window, size, compressed)
			}
		}
	}
}

// TestJoin: joined messages are, in every window, frames of their own that need nothing of each other.
func TestJoin(t *testing.T) {
	var parts []*Frame
	var want []seen
	for _, size := range []int{10, 200, 1000, 0, 5000, 300} {
		parts = append(parts, NewFrame(false, bytes.Repeat([]byte("a"), size)))
		want = append(want, unmasked(ws.OpText, strings.Repeat("a", size)))
	}
	joined := Join([]*Frame{Join(parts[:2]), Join(parts[2:3]), Join(parts[3:])})
	for _, window := range []uint8{0, 8, 12, 13, maxWindow} {
		got := frames(t, joined.bytes(window))
		for i := range got {
			fits := window >= 13 // all of them are below 2^13 bytes, one is above 2^12
			if compressed := got[i].first&deflateBit != 0; compressed != (fits && len(want[i].payload) >= minDeflate) {
				t.Errorf("window %d, %d bytes: compressed is %v", window, len(want[i].payload), compressed)
			}
			got[i] = plain(t, got[i])
		}
		if !slices.Equal(got, want) {
			t.Errorf("window %d: got %v, want %v", window, got, want)
		}
	}
	if joined.Size() != len(joined.bytes(0)) {
		t.Errorf("size %d", joined.Size())
	}
}

// TestFrameIsSharedBetweenWindows compresses one frame for many connections at once.
func TestFrameIsSharedBetweenWindows(t *testing.T) {
	e := socketless(t, Config{})
	f := NewFrame(false, bytes.Repeat([]byte("hello "), 100))
	sockets := make([]*memory, 20)
	done := make(chan struct{})
	for i := range sockets {
		sockets[i] = &memory{room: -1}
		c := connect(t, e, sockets[i], []uint8{0, 8, maxWindow}[i%3], (&recorder{}).open)
		go func() {
			c.Send(f)
			c.Flush()
			done <- struct{}{}
		}()
	}
	for range sockets {
		<-done
	}
	for _, m := range sockets {
		if got := plain(t, frames(t, m.output())[0]); got != unmasked(ws.OpText, strings.Repeat("hello ", 100)) {
			t.Errorf("got %v", got)
		}
	}
}

// TestCompressedFrames goes through the rules of RFC 7692 section 6.
func TestCompressedFrames(t *testing.T) {
	e := socketless(t, Config{MaxMessage: smallMessage})
	hello := packed(t, []byte("hello"))
	long := packed(t, bytes.Repeat([]byte("x"), smallMessage))
	// A stored block, as a sender makes of what does not shrink: RFC 1951 section 3.2.4. It is longer than its message.
	stored := slices.Concat([]byte{0, 0xe8, 0x03, 0x17, 0xfc}, noise[2][:smallMessage], []byte{0})
	for _, d := range []decodeCase{
		{name: "text", sent: [][]byte{masked(deflatedText, hello)}, want: messages(text("hello"))},
		{name: "binary", sent: [][]byte{masked(0xc2, hello)}, want: messages(bin("hello"))},
		{name: "plain", sent: [][]byte{whole(ws.OpText, "hello")}, want: messages(text("hello"))},
		{name: "mixed", sent: [][]byte{masked(deflatedText, hello), whole(ws.OpText, "b"), masked(deflatedText, hello)},
			want: messages(text("hello"), text("b"), text("hello"))},
		{name: "empty", sent: [][]byte{masked(deflatedText, []byte{0})}, want: messages(text(""))},
		{name: "with a final block", sent: [][]byte{masked(deflatedText, []byte{0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00})},
			want: messages(text("Hello"))}, // RFC 7692 section 7.2.3.4
		{name: "fragments", sent: [][]byte{masked(deflateBit|byte(ws.OpText), hello[:3]), whole(ws.OpPing, "p"), whole(ws.OpContinuation, string(hello[3:]))},
			want: messages(text("hello")), frames: []seen{pong("p")}},
		{name: "as long as may be", sent: [][]byte{masked(deflatedText, long)}, want: messages(text(strings.Repeat("x", smallMessage)))},
		{name: "longer when compressed", sent: [][]byte{masked(0xc2, stored)}, want: messages(bin(string(noise[2][:smallMessage])))},
		{name: "bit on a continuation", sent: [][]byte{masked(deflateBit|byte(ws.OpText), hello), masked(0xc0, nil)}, code: CloseProtocol},
		{name: "bit on a continuation of a plain message", sent: [][]byte{part(ws.OpText, "x"), masked(0xc0, nil)}, code: CloseProtocol},
		{name: "bit on a ping", sent: [][]byte{masked(0xc9, nil)}, code: CloseProtocol},
		{name: "not deflate", sent: [][]byte{masked(deflatedText, []byte("\xff\xff\xff"))}, code: CloseProtocol},
		{name: "no block at all", sent: [][]byte{masked(deflatedText, nil)}, code: CloseProtocol},
		{name: "cut off", sent: [][]byte{masked(deflatedText, hello[:3])}, code: CloseProtocol},
		{name: "refers to before the message", sent: [][]byte{masked(deflatedText, hello), masked(deflatedText, []byte{0x02, 0x13, 0x00, 0x00})},
			want: messages(text("hello")), code: CloseProtocol},
		{name: "too big", sent: [][]byte{masked(deflatedText, packed(t, make([]byte, smallMessage+1)))}, code: CloseTooBig},
		{name: "too big, by its header", sent: [][]byte{{deflatedText, maskBit | 126, 0x08, 0x00}}, code: CloseTooBig},
		{name: "not UTF-8", sent: [][]byte{masked(deflatedText, packed(t, []byte("\xce\xba\xff")))}, code: CloseNotUTF8},
		{name: "half a character", sent: [][]byte{masked(deflatedText, packed(t, []byte("\xce")))}, code: CloseNotUTF8},
	} {
		t.Run(d.name, func(t *testing.T) { d.run(t, e, maxWindow) })
	}
}

// TestBomb: what would be very large is given up early.
func TestBomb(t *testing.T) {
	bomb := packed(t, make([]byte, 8<<20))
	e := socketless(t, Config{MaxMessage: 64 << 10})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := decode(t, e, maxWindow, [][]byte{masked(0xc2, bomb)})
	runtime.ReadMemStats(&after)
	if got.ended() != CloseTooBig || len(got.messages) > 0 {
		t.Errorf("the bomb was answered by %v", got.frames)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
		t.Errorf("%d bytes allocated for a bomb of %d and a limit of 64 KiB", took, len(bomb))
	}
}

// FuzzInflate compares inflate with the standard library's decompressor.
func FuzzInflate(f *testing.F) {
	for _, s := range []string{"", "hello", strings.Repeat("hello", 100)} {
		f.Add(packed(f, []byte(s)), 100)
	}
	f.Add([]byte{0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00}, 5)
	f.Add([]byte("\xff\xff\xff"), 100)
	f.Fuzz(func(t *testing.T, b []byte, limit int) {
		limit = min(max(limit, 0), 10_000)
		var got string
		used := false
		err := inflate(bytes.Clone(b), limit, func(payload []byte) { got, used = string(payload), true })
		r := flate.NewReader(io.MultiReader(bytes.NewReader(b), bytes.NewReader(syncTail), bytes.NewReader(lastBlock)))
		want, wantErr := io.ReadAll(io.LimitReader(r, int64(limit)+1))
		switch {
		case used != (err == nil):
			t.Fatalf("error %v, and a message: %v", err, used)
		case len(want) > limit && err == nil:
			t.Fatalf("%d bytes passed a limit of %d", len(got), limit)
		case len(want) <= limit && (err == nil) != (wantErr == nil):
			t.Fatalf("error %v, want %v", err, wantErr)
		case err == nil && got != string(want):
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

func ExampleJoin() {
	f := Join([]*Frame{NewFrame(false, []byte("a")), NewFrame(true, []byte("bc"))})
	fmt.Printf("% x\n", f.bytes(0))
	// Output: 81 01 61 82 02 62 63
}
