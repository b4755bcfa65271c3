package engine

import (
	"encoding/binary"
	"math"

	"github.com/gobwas/ws"
)

const (
	finBit     = 0x80
	maskBit    = 0x80
	maxPayload = 125 // bytes, of a control frame (RFC 6455 section 5.5)
	maxReason  = maxPayload - 2
)

// failure is why a connection is closed: the close code and what the peer is told.
type failure struct {
	code   uint16
	reason string
}

func (f *failure) Error() string { return f.reason }

func protocolError(reason string) *failure { return &failure{CloseProtocol, reason} }

// parseHeader reads a client's frame header from the start of b. n is its length in bytes; 0 means that more bytes
// are needed. Each rule is checked as soon as its byte is there, so that a bad frame is not waited for
// (RFC 6455 sections 5.1, 5.2 and 5.5).
func parseHeader(b []byte, deflating bool) (h ws.Header, n int, err *failure) {
	if len(b) < 1 {
		return h, 0, nil
	}
	h.Fin = b[0]&finBit != 0
	h.Rsv = b[0] >> 4 & 7
	h.OpCode = ws.OpCode(b[0] & 0x0f)
	switch {
	case h.OpCode.IsReserved():
		return h, 0, protocolError("reserved opcode")
	case h.Rsv2() || h.Rsv3():
		return h, 0, protocolError("reserved bit set")
	case h.Rsv1() && (!deflating || !h.OpCode.IsData()):
		return h, 0, protocolError("compression bit set where none was agreed")
	case h.OpCode.IsControl() && !h.Fin:
		return h, 0, protocolError("fragmented control frame")
	}
	if len(b) < 2 {
		return h, 0, nil
	}
	h.Masked = b[1]&maskBit != 0
	short := b[1] &^ maskBit
	switch {
	case !h.Masked:
		return h, 0, protocolError("frame is not masked")
	case h.OpCode.IsControl() && short > maxPayload:
		return h, 0, protocolError("control frame is too long")
	}
	n = 2
	var least uint64 // RFC 6455 section 5.2: the minimal number of bytes must be used to encode the length
	length := uint64(short)
	switch short {
	case 126:
		if n += 2; len(b) < n {
			return h, 0, nil
		}
		length, least = uint64(binary.BigEndian.Uint16(b[2:])), 126
	case 127:
		if n += 8; len(b) < n {
			return h, 0, nil
		}
		length, least = binary.BigEndian.Uint64(b[2:]), 0x10000
	}
	if length < least || length > math.MaxInt64 {
		return h, 0, protocolError("bad frame length")
	}
	h.Length = int64(length)
	if len(b) < n+4 {
		// The length alone may already be too big: let the caller judge it.
		return h, -n, nil
	}
	copy(h.Mask[:], b[n:])
	return h, n + 4, nil
}
