package loadtest

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"

	"github.com/gobwas/ws"
)

// maxHead is the longest frame header a server may send: two bytes and an eight-byte length. Only
// clients send a mask key (RFC 6455, 5.1).
const maxHead = 10

// maxMessage bounds, in bytes, a message whose payload is wanted and has to be put together from
// pieces. A message that is only counted has no such bound, since none of it is kept.
const maxMessage = 16 << 20

var errTooBig = errors.New("loadtest: message larger than 16 MiB")

// errLength is a 64-bit length with its highest bit set, or one that a shorter form could have held.
var errLength = ws.ProtocolError("bad frame length")

// decoder cuts the byte stream of a server into WebSocket messages. It takes the stream in whatever
// chunks the socket gave. With keep set, a message that lies whole in a chunk is handed out in place, and
// the pieces of one that is split are put together; otherwise messages only pass by. Control frames
// are always handed out, being 125 bytes at most. The zero value is ready. One goroutine at a time may
// use it.
type decoder struct {
	left uint64        // payload bytes of the current frame that have not come yet
	data []byte        // pieces of the current message, when keep is set
	ctl  []byte        // pieces of the current control frame
	head [maxHead]byte // the first bytes of a header that is split
	have uint8         // how many of head are filled
	op   ws.OpCode     // opcode of the current frame
	msg  ws.OpCode     // opcode of the current message; 0 between messages
	fin  bool          // the current frame ends its message
	body bool          // the header is known and the payload is being read
	keep bool          // payloads of messages are wanted
}

// next reads chunk up to the end of the first message or control frame in it and returns what is
// left of the chunk. An op of 0 says that the chunk ended first, and all of it was taken. The payload
// belongs to the caller until it calls next again or reuses the chunk, and is nil for a message unless
// keep is set. After an error the stream has no meaning any more.
func (d *decoder) next(chunk []byte) (op ws.OpCode, payload, rest []byte, err error) {
	for {
		if !d.body {
			if chunk, err = d.header(chunk); err != nil || !d.body {
				return 0, nil, nil, err
			}
		}
		n := int(min(d.left, uint64(len(chunk))))
		piece := chunk[:n]
		chunk = chunk[n:]
		d.left -= uint64(n)
		if d.left > 0 {
			return 0, nil, nil, d.store(piece)
		}
		d.body = false
		if d.op.IsControl() {
			payload = join(&d.ctl, piece)
			return d.op, payload, chunk, nil
		}
		if d.msg == 0 {
			d.msg = d.op
		}
		if !d.fin {
			if err = d.store(piece); err != nil {
				return 0, nil, nil, err
			}
			continue
		}
		if op, d.msg = d.msg, 0; d.keep {
			payload = join(&d.data, piece)
		}
		return op, payload, chunk, nil
	}
}

// join returns the pieces kept so far with the last one behind them, and forgets them.
func join(kept *[]byte, last []byte) []byte {
	if *kept == nil {
		return last
	}
	whole := append(*kept, last...)
	*kept = nil
	return whole
}

// store keeps a piece of a split payload for join, if it is wanted.
func (d *decoder) store(piece []byte) error {
	switch {
	case d.op.IsControl():
		d.ctl = append(d.ctl, piece...)
	case d.keep:
		if uint64(len(d.data)+len(piece))+d.left > maxMessage {
			return errTooBig
		}
		d.data = append(d.data, piece...)
	}
	return nil
}

// header reads a frame header from the start of chunk and sets body once it is whole.
func (d *decoder) header(chunk []byte) ([]byte, error) {
	h, had := chunk, int(d.have)
	if had > 0 {
		h = d.head[:had+copy(d.head[had:], chunk)]
	}
	size := headSize(h)
	if len(h) < size {
		if had == 0 {
			copy(d.head[:], h)
		}
		d.have = uint8(len(h))
		return nil, nil
	}
	d.have, d.body = 0, true
	return chunk[size-had:], d.begin(h[:size])
}

// headSize says how long the header that begins with h is, or at least is.
func headSize(h []byte) int {
	if len(h) < 2 {
		return 2
	}
	switch h[1] & 0x7f {
	case 126:
		return 4
	case 127:
		return maxHead
	}
	return 2
}

// begin checks a whole header and makes it the current frame's (RFC 6455, 5.2).
func (d *decoder) begin(h []byte) error {
	var least uint64
	switch len(h) {
	case 2:
		d.left = uint64(h[1] & 0x7f)
	case 4:
		d.left, least = uint64(binary.BigEndian.Uint16(h[2:])), 126
	default:
		d.left, least = binary.BigEndian.Uint64(h[2:]), 1<<16
	}
	if d.left < least || d.left > 1<<63-1 {
		return errLength
	}
	d.op, d.fin = ws.OpCode(h[0]&0x0f), h[0]&0x80 != 0
	state := ws.StateClientSide
	if d.msg != 0 {
		state = state.Set(ws.StateFragmented)
	}
	return ws.CheckHeader(ws.Header{
		Fin: d.fin, Rsv: h[0] >> 4 & 7, OpCode: d.op, Masked: h[1]&0x80 != 0, Length: int64(d.left),
	}, state)
}

// appendFrame appends one final, masked frame to dst (RFC 6455, 5.3). The key need not be secret:
// it protects proxies from pages, and a load tester is neither.
func appendFrame(dst []byte, op ws.OpCode, payload []byte) []byte {
	dst = append(dst, 0x80|byte(op))
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, 0x80|byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, 0x80|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 0x80|127), uint64(n))
	}
	var key [4]byte
	binary.NativeEndian.PutUint32(key[:], rand.Uint32())
	dst = append(dst, key[:]...)
	at := len(dst)
	dst = append(dst, payload...)
	ws.Cipher(dst[at:], key, 0)
	return dst
}
