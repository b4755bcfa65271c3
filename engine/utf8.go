package engine

import "unicode/utf8"

// textCheck validates UTF-8 that arrives in pieces and fails at the first byte that cannot be part of any
// valid text, not at the message's end (RFC 6455 section 8.1). Its zero value is ready.
type textCheck struct {
	tail [utf8.UTFMax]byte // the beginning of a rune whose end has not come
	n    int               // bytes in tail
}

// write takes the next piece and reports whether the text can still be valid.
func (t *textCheck) write(b []byte) bool {
	for t.n > 0 && len(b) > 0 {
		t.tail[t.n] = b[0]
		t.n++
		b = b[1:]
		if utf8.FullRune(t.tail[:t.n]) {
			if r, size := utf8.DecodeRune(t.tail[:t.n]); r == utf8.RuneError && size <= 1 {
				return false
			}
			t.n = 0
		}
	}
	whole := wholeRunes(b)
	if !utf8.Valid(b[:whole]) {
		return false
	}
	t.n += copy(t.tail[t.n:], b[whole:])
	return true
}

// done reports whether the text may end here.
func (t *textCheck) done() bool { return t.n == 0 }

// wholeRunes is the length of b without an incomplete last rune. A rune that can no longer become valid counts
// as whole, so that it is found at once.
func wholeRunes(b []byte) int {
	for i := len(b) - 1; i >= 0 && i >= len(b)-utf8.UTFMax+1; i-- {
		if utf8.RuneStart(b[i]) {
			if utf8.FullRune(b[i:]) {
				return len(b)
			}
			return i
		}
	}
	return len(b)
}
