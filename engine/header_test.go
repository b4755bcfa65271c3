package engine

import (
	"bytes"
	"testing"

	"github.com/gobwas/ws"
)

// mask is a zero key, with which a payload is its own masked form.
var mask = []byte{0, 0, 0, 0}

func TestParseHeader(t *testing.T) {
	cut := func(second byte, length ...byte) []byte { return append([]byte{0x82, second}, length...) }
	long := func(second byte, length ...byte) []byte { return append(cut(second, length...), mask...) }
	for _, test := range []struct {
		name      string
		bytes     []byte
		deflating bool
		bad       string // the failure's reason; "" for none
		length    int64
	}{
		{name: "empty", bytes: long(0x80)},
		{name: "125", bytes: long(0x80 | 125), length: 125},
		{name: "126", bytes: long(0x80|126, 0, 126), length: 126},
		{name: "65,535", bytes: long(0x80|126, 0xff, 0xff), length: 65_535},
		{name: "65,536", bytes: long(0x80|127, 0, 0, 0, 0, 0, 1, 0, 0), length: 65_536},
		{name: "2^63-1", bytes: long(0x80|127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), length: 1<<63 - 1},
		{name: "2^63", bytes: cut(0x80|127, 0x80, 0, 0, 0, 0, 0, 0, 0), bad: "bad frame length"},
		{name: "2^64-1", bytes: cut(0x80|127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), bad: "bad frame length"},
		{name: "125 in two bytes", bytes: cut(0x80|126, 0, 125), bad: "bad frame length"},
		{name: "0 in two bytes", bytes: cut(0x80|126, 0, 0), bad: "bad frame length"},
		{name: "125 in eight bytes", bytes: cut(0x80|127, 0, 0, 0, 0, 0, 0, 0, 125), bad: "bad frame length"},
		{name: "65,535 in eight bytes", bytes: cut(0x80|127, 0, 0, 0, 0, 0, 0, 0xff, 0xff), bad: "bad frame length"},

		{name: "fragment", bytes: []byte{0x01, 0x80, 0, 0, 0, 0}},
		{name: "unmasked", bytes: []byte{0x81, 0x00}, bad: "frame is not masked"},
		{name: "unmasked ping", bytes: []byte{0x89, 0x05}, bad: "frame is not masked"},
		{name: "opcode 3", bytes: []byte{0x83}, bad: "reserved opcode"},
		{name: "opcode 7, not final", bytes: []byte{0x07}, bad: "reserved opcode"},
		{name: "opcode 11", bytes: []byte{0x8b}, bad: "reserved opcode"},
		{name: "opcode 15", bytes: []byte{0x8f}, bad: "reserved opcode"},
		{name: "RSV2", bytes: []byte{0xa1}, bad: "reserved bit set"},
		{name: "RSV3", bytes: []byte{0x91}, bad: "reserved bit set"},
		{name: "RSV2 and compression", bytes: []byte{0xe1}, deflating: true, bad: "reserved bit set"},
		{name: "RSV1 without compression", bytes: []byte{0xc1}, bad: "compression bit set where none was agreed"},
		{name: "RSV1 with compression", bytes: []byte{0xc1, 0x80, 0, 0, 0, 0}, deflating: true},
		{name: "RSV1 on a ping", bytes: []byte{0xc9}, deflating: true, bad: "compression bit set where none was agreed"},
		{name: "RSV1 on a close", bytes: []byte{0xc8}, deflating: true, bad: "compression bit set where none was agreed"},

		{name: "ping of 125", bytes: []byte{0x89, 0x80 | 125, 0, 0, 0, 0}, length: 125},
		{name: "ping of 126", bytes: []byte{0x89, 0x80 | 126}, bad: "control frame is too long"},
		{name: "close of 2^16", bytes: []byte{0x88, 0x80 | 127}, bad: "control frame is too long"},
		{name: "fragmented ping", bytes: []byte{0x09}, bad: "fragmented control frame"},
		{name: "fragmented close", bytes: []byte{0x08}, bad: "fragmented control frame"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, n, err := parseHeader(test.bytes, test.deflating)
			switch {
			case test.bad != "":
				if err == nil || err.code != CloseProtocol || err.reason != test.bad {
					t.Errorf("failure %v, want 1002 %q", err, test.bad)
				}
			case err != nil || n != len(test.bytes) || h.Length != test.length:
				t.Errorf("%d bytes of header, length %d, failure %v; want %d, %d", n, h.Length, err, len(test.bytes), test.length)
			}
			// A rule is applied as soon as its byte is there, and not before.
			for i := range test.bytes {
				if _, n, err := parseHeader(test.bytes[:i], test.deflating); n > 0 || err != nil {
					t.Errorf("the first %d bytes gave %d, failure %v; want to wait for more", i, n, err)
				}
			}
		})
	}
}

// TestLengthIsKnownBeforeTheMask: a frame that is too big is refused before its mask has come.
func TestLengthIsKnownBeforeTheMask(t *testing.T) {
	for _, header := range [][]byte{{0x82, 0x80 | 100}, {0x82, 0x80 | 126, 1, 0}, {0x82, 0x80 | 127, 0, 0, 0, 1, 0, 0, 0, 0}} {
		h, n, err := parseHeader(header, false)
		if err != nil || n != -len(header) || h.Length < 100 {
			t.Errorf("% x: %d, length %d, failure %v", header, n, h.Length, err)
		}
	}
}

// FuzzHeader compares parseHeader with the library's reader, and all beginnings of a header with the whole.
func FuzzHeader(f *testing.F) {
	f.Add([]byte{0x81, 0x85, 1, 2, 3, 4}, false)
	f.Add([]byte{0xc1, 0x80 | 126, 0, 200, 1, 2, 3, 4}, true)
	f.Add([]byte{0x82, 0x80 | 127, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4, 5}, false)
	f.Add([]byte{0x82, 0x80 | 127, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}, false)
	f.Add([]byte{0x09, 0x80}, false)
	f.Fuzz(func(t *testing.T, b []byte, deflating bool) {
		h, n, bad := parseHeader(b, deflating)
		if n > 0 {
			r := bytes.NewReader(b)
			if want, err := ws.ReadHeader(r); err != nil || h != want || n != len(b)-r.Len() {
				t.Fatalf("parsed %+v from %d bytes, want %+v from %d, %v", h, n, want, len(b)-r.Len(), err)
			}
		}
		if n <= 0 && bad == nil && len(b) >= ws.MaxHeaderSize {
			t.Fatal("a whole header is there, and more is waited for")
		}
		for i := range b[:min(len(b), ws.MaxHeaderSize)] {
			_, m, early := parseHeader(b[:i], deflating)
			switch {
			case early != nil && (bad == nil || *early != *bad):
				t.Fatalf("the first %d bytes gave failure %v, all gave %v", i, early, bad)
			case m > 0 && m != n:
				t.Fatalf("the first %d bytes gave a header of %d, all gave %d", i, m, n)
			}
		}
	})
}
