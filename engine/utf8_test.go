package engine

import (
	"bytes"
	"testing"
	"unicode/utf8"
)

// samples are texts and what could be taken for one, from RFC 3629 and from what test suites send.
var samples = []string{
	"", "hello", "Κόσμε", "\u20ac", "😀", "a\u0000b",
	"\u007f\u0080\u07ff\u0800\ud7ff\ue000\ufffd\uffff\U00010000\U0010ffff",
	"\xed\xa0\x80", "\xed\xbf\xbf", // surrogates
	"\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xc1\xbf", // longer than need be
	"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xfe", // beyond U+10FFFF
	"\x80", "a\xbf", "\xe2\x82", "\xf0\x9f\x98", "\xc3", // parts of characters
	"\xe2\x28\xa1", "\xf0\x9f\x41\x80", "Κόσμε\xf4\x90\x80\x80edited",
}

// firstBad is the number of bytes after which b can no longer become text, len(b)+1 when it still can.
func firstBad(b []byte) int {
	for n := 1; n <= len(b); n++ {
		if head := b[:n]; !utf8.Valid(head) && !canBecomeText(head) {
			return n
		}
	}
	return len(b) + 1
}

// canBecomeText tries out whether some character's missing bytes make b valid.
func canBecomeText(b []byte) bool {
	for i := max(len(b)-3, 0); i < len(b); i++ {
		if utf8.Valid(b[:i]) && !utf8.FullRune(b[i:]) {
			return true
		}
	}
	return false
}

// checkText feeds b in pieces that end at cuts, and expects a failure with the piece that holds the first impossible
// byte.
func checkText(t *testing.T, b []byte, cuts func(i int) bool) {
	t.Helper()
	var check textCheck
	bad, from := firstBad(b), 0
	for i := 1; i <= len(b); i++ {
		if i < len(b) && !cuts(i) {
			continue
		}
		ok := check.write(b[from:i])
		if want := i < bad; ok != want {
			t.Fatalf("%q: piece %d:%d gave %v, want %v", b, from, i, ok, want)
		}
		if !ok {
			return
		}
		from = i
	}
	if check.done() != utf8.Valid(b) {
		t.Fatalf("%q: done is %v", b, check.done())
	}
}

func TestText(t *testing.T) {
	for _, text := range samples {
		b := []byte(text)
		checkText(t, b, func(int) bool { return false })
		checkText(t, b, func(int) bool { return true })
		for cut := range b {
			checkText(t, b, func(i int) bool { return i == cut })
		}
	}
}

// TestCanBecomeText holds the test's own measure against all that may follow.
func TestCanBecomeText(t *testing.T) {
	for first := 0xc0; first <= 0xff; first++ {
		for second := range 256 {
			b := []byte{byte(first), byte(second)}
			want := utf8.Valid(b)
			for third := 0x80; third <= 0xbf && !want; third++ {
				want = utf8.Valid(append(b, byte(third))) || utf8.Valid(append(b, byte(third), 0x80))
			}
			if got := utf8.Valid(b) || canBecomeText(b); got != want {
				t.Errorf("% x can become text: %v, want %v", b, got, want)
			}
		}
	}
}

// FuzzText compares textCheck with unicode/utf8, cut where the bits of cuts say.
func FuzzText(f *testing.F) {
	for _, text := range samples {
		f.Add([]byte(text), uint64(0))
		f.Add([]byte(text), uint64(0x5555_5555_5555_5555))
		f.Add(append(bytes.Repeat([]byte("x"), 20), text...), ^uint64(0))
	}
	f.Fuzz(func(t *testing.T, b []byte, cuts uint64) {
		checkText(t, b[:min(len(b), 300)], func(i int) bool { return cuts>>(i%64)&1 == 1 })
	})
}
