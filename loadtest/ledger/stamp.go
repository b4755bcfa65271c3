package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"
)

// Kind is a kind of conversation.
type Kind uint8

// The kinds of conversations.
const (
	Broadcast Kind = iota // to everyone of a chat
	Direct                // to one user
	Room                  // to the members of a room
	kinds                 // how many there are
)

var kindNames = [kinds]string{"broadcast", "direct", "room"}

func (k Kind) String() string {
	if k >= kinds {
		return "unknown"
	}
	return kindNames[k]
}

// Stamp is what a message says of itself. It is written into the message's text by [Stamp.Append] and read from what a
// recipient got by [Parse].
type Stamp struct {
	Run    uint32 // tells the messages of one run from those of another
	Kind   Kind
	Slot   uint16 // of the stream in its recipient's row: see [Shape.Talker], [Shape.Contact] and [Shape.RoomSlot]
	Sender uint32 // user, counted over the whole run
	Number uint32 // in its stream, from 1
	At     int64  // when it was meant to be sent: nanoseconds on the run's clock
	Tardy  bool   // the generator sent it more than 50 ms after At: its latency is not the server's
	Waited bool   // its sender was away at that time, and it was kept until the sender was back: nor is its latency then
	Again  bool   // the server refused it, and it was said again: what was said meanwhile may come before it
}

const (
	// MinSize is how many bytes the text of a stamped message has at least.
	MinSize = 64
	// MaxSize is how many it has at most.
	MaxSize = 1<<24 - 1

	// mark begins every stamped text, and occurs nowhere else in it, in a nick or in a key of the protocol.
	mark = "~lt:"
)

// The text: eight words of eight bytes, which are hexadecimal digits but for the mark. Then filler.
//
//	 0  mark, slot (4 digits)
//	 8  run
//	16  kind (1), tardy, waited and again (1), size of the text in bytes (6)
//	24  sender
//	32  number
//	40  at (16)
//	56  CRC-32C of the bytes before
const (
	kindBit  = 28
	againBit = 26
	waitBit  = 25
	lateBit  = 24
	sizeMax  = 1<<lateBit - 1
	sumAt    = 56
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// filler is 4 KiB, and a period more, of what stamped texts end with. A text's filler starts at a place within the
// period that its check sum gives, so that the tail of another message is seen to be one.
var filler = []byte(strings.Repeat(fillerPeriod, 4096/len(fillerPeriod)+1))

const fillerPeriod = "the.quick.brown.fox.jumps.over.the.lazy.dog.0123456789.and.back."

// Why a text is not a stamp.
var (
	ErrSize = errors.New("the text is cut off or has grown")
	ErrMark = errors.New("the text carries no stamp")
	ErrSum  = errors.New("the check sum does not fit")
	ErrFill = errors.New("the text's filler is not the one that was sent")
)

// Append appends the stamp as text of exactly size bytes, [MinSize] or [MaxSize] if size is beyond them. It is ASCII
// that stands in a JSON string as it is. A Kind above 15 is not allowed.
func (s Stamp) Append(dst []byte, size int) []byte {
	size = min(max(size, MinSize), MaxSize)
	dst = append(dst, filler[:MinSize]...)
	head := (*[MinSize]byte)(dst[len(dst)-MinSize:])
	put(head, 0, uint32(s.Slot))
	copy(head[:], mark)
	put(head, 8, s.Run)
	shape := uint32(s.Kind)<<kindBit | uint32(size)
	if s.Tardy {
		shape |= 1 << lateBit
	}
	if s.Waited {
		shape |= 1 << waitBit
	}
	if s.Again {
		shape |= 1 << againBit
	}
	put(head, 16, shape)
	put(head, 24, s.Sender)
	put(head, 32, s.Number)
	put(head, 40, uint32(uint64(s.At)>>32))
	put(head, 48, uint32(uint64(s.At)))
	sum := crc32.Checksum(head[:sumAt], castagnoli)
	put(head, sumAt, sum)

	from := int(sum) & (len(fillerPeriod) - 1)
	for left := size - MinSize; left > 0; {
		n := min(left, len(filler)-len(fillerPeriod))
		dst = append(dst, filler[from:from+n]...)
		left -= n
	}
	return dst
}

// Parse reads a stamp from a text that is one from its first byte to its last, as [Find] gives it. It accepts what
// [Stamp.Append] writes, and nothing else but for an accident that the check sum misses, one in four billion. The error
// is one of those of this package.
func Parse(text []byte) (Stamp, error) {
	var s Stamp
	err := s.parse(text)
	return s, err
}

// parse fills a stamp in place: the copies of a struct of this size are a third of the time. After an error it is as it was.
func (s *Stamp) parse(text []byte) error {
	if len(text) < MinSize || len(text) > MaxSize {
		return ErrSize
	}
	head := (*[MinSize]byte)(text)
	if string(head[:len(mark)]) != mark {
		return ErrMark
	}
	sum := crc32.Checksum(head[:sumAt], castagnoli)
	if digits(head, sumAt) != hex(sum) {
		return ErrSum
	}
	shape := unhex(digits(head, 16))
	if int(shape&sizeMax) != len(text) {
		return ErrSize
	}
	if !filled(text[MinSize:], int(sum)&(len(fillerPeriod)-1)) {
		return ErrFill
	}
	s.Run = unhex(digits(head, 8))
	s.Kind = Kind(shape >> kindBit)
	s.Slot = uint16(unhex(digits(head, 0)))
	s.Sender = unhex(digits(head, 24))
	s.Number = unhex(digits(head, 32))
	s.At = int64(uint64(unhex(digits(head, 40)))<<32 | uint64(unhex(digits(head, 48))))
	s.Tardy, s.Waited, s.Again = shape>>lateBit&1 == 1, shape>>waitBit&1 == 1, shape>>againBit&1 == 1
	return nil
}

func digits(head *[MinSize]byte, at int) uint64 { return binary.BigEndian.Uint64(head[at:]) }

// filled says whether a tail is filler from a place within the period on.
func filled(tail []byte, from int) bool {
	for len(tail) > 0 {
		n := min(len(tail), len(filler)-len(fillerPeriod))
		if !bytes.Equal(tail[:n], filler[from:from+n]) {
			return false
		}
		tail = tail[n:]
	}
	return true
}

// zeros is eight digits 0 as a word.
const zeros = 0x3030303030303030

func put(head *[MinSize]byte, at int, v uint32) { binary.BigEndian.PutUint64(head[at:], hex(v)) }

// hex is v as eight hexadecimal digits, the highest in the highest byte.
func hex(v uint32) uint64 {
	w := uint64(v)
	w = (w | w<<16) & 0x0000ffff0000ffff
	w = (w | w<<8) & 0x00ff00ff00ff00ff
	w = (w | w<<4) & 0x0f0f0f0f0f0f0f0f
	letters := (w + 0x0606060606060606) >> 4 & 0x0101010101010101 // 1 in each byte that is above 9
	return w + zeros + letters*('a'-'9'-1)
}

// unhex reads what hex wrote; of other bytes it makes something.
func unhex(digits uint64) uint32 {
	letters := digits >> 6 & 0x0101010101010101
	w := digits&0x0f0f0f0f0f0f0f0f + letters*9
	w = (w | w>>4) & 0x00ff00ff00ff00ff
	w = (w | w>>8) & 0x0000ffff0000ffff
	return uint32(w | w>>16)
}
