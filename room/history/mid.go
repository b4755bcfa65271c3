package history

// A message id is 20 characters of base32hex, whose order is that of the bits: 45 bits of milliseconds since 1970, which
// last until the year 3084, and 55 bits of seq. Two epochs may use a seq twice, but not in the same millisecond.
const (
	midSize  = 20
	midTime  = 9 // characters
	midChars = "0123456789abcdefghijklmnopqrstuv"
)

func newMid(at born, seq uint64) string {
	var b [midSize]byte
	putMid(b[:], at, seq)
	return string(b[:])
}

// putMid writes an id to b, which has room for midSize bytes.
func putMid(b []byte, at born, seq uint64) {
	for i := midTime - 1; i >= 0; i-- {
		b[i] = midChars[at&31]
		at >>= 5
	}
	for i := midSize - 1; i >= midTime; i-- {
		b[i] = midChars[seq&31]
		seq >>= 5
	}
}

// midSeqOf reads the seq from an id; ok is false for what is none.
func midSeqOf(mid string) (seq uint64, ok bool) {
	if len(mid) != midSize {
		return 0, false
	}
	for i := range mid {
		var digit byte
		switch c := mid[i]; {
		case '0' <= c && c <= '9':
			digit = c - '0'
		case 'a' <= c && c <= 'v':
			digit = c - 'a' + 10
		default:
			return 0, false
		}
		if i >= midTime {
			seq = seq<<5 | uint64(digit)
		}
	}
	return seq, true
}
