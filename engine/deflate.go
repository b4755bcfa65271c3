package engine

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"sync"

	"github.com/gobwas/httphead"
	"github.com/gobwas/ws/wsflate"
	"github.com/klauspost/compress/flate"
)

// permessage-deflate (RFC 7692), always without context takeover in both directions: no connection owns a window,
// and one compressed frame serves every connection of a broadcast.

const (
	maxWindow  = 15   // largest LZ77 window, as a power of two (RFC 7692 section 7.1.2)
	minDeflate = 64   // bytes; a shorter message hardly shrinks and is sent as it is
	deflateBit = 0x40 // RSV1 of a compressed message's first frame (RFC 7692 section 6)
)

// syncTail is what a sender strips from a compressed message and the receiver puts back (RFC 7692 section 7.2.1);
// lastBlock then ends the stream, so that the reader sees its end.
var (
	syncTail  = []byte{0x00, 0x00, 0xff, 0xff}
	lastBlock = []byte{0x01, 0x00, 0x00, 0xff, 0xff}
)

var errInflatedTooBig = errors.New("message too big after decompression")

// negotiateDeflate answers the client's Sec-WebSocket-Extensions: the response header's value and the window, as a
// power of two, that bounds what we send. "" and 0 when no offer can be met (RFC 7692 section 5.1: an offer with
// an unknown or invalid parameter is declined, the next one tried).
func negotiateDeflate(headers []string) (answer string, window uint8) {
	for _, header := range headers {
		offers, ok := httphead.ParseOptions([]byte(header), nil)
		if !ok {
			return "", 0
		}
		for _, offer := range offers {
			var params wsflate.Parameters
			if !bytes.EqualFold(offer.Name, wsflate.ExtensionNameBytes) || params.Parse(offer) != nil {
				continue
			}
			answer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
			window = maxWindow
			if bits := params.ServerMaxWindowBits; bits.Defined() {
				window = uint8(bits)
				answer += "; server_max_window_bits=" + strconv.Itoa(int(bits))
			}
			return answer, window
		}
	}
	return "", 0
}

// deflate compresses one message. It reports false when that is not worth it.
func deflate(payload []byte) ([]byte, bool) {
	if len(payload) < minDeflate {
		return nil, false
	}
	var out bytes.Buffer
	out.Grow(len(payload)/2 + 64)
	// Writing to a bytes.Buffer cannot fail.
	_ = flate.StatelessDeflate(&out, payload, false, nil)
	packed := bytes.TrimSuffix(out.Bytes(), syncTail)
	return packed, len(packed) < len(payload)
}

// inflater decompresses one message at a time; it is pooled, for its window is 32 KiB.
type inflater struct {
	src    bytes.Reader
	stream io.ReadCloser
	out    bytes.Buffer
}

var inflaters = sync.Pool{New: func() any {
	f := &inflater{}
	f.stream = flate.NewReader(&f.src)
	return f
}}

// maxKeptBuffer is the largest scratch buffer, in bytes, that goes back to a pool.
const maxKeptBuffer = 1 << 20

// inflate decompresses a whole message and calls use with it; what use gets is valid during the call only.
// packed may be appended to. More than limit bytes end in errInflatedTooBig after at most limit+1 of them.
func inflate(packed []byte, limit int, use func(payload []byte)) error {
	f := inflaters.Get().(*inflater)
	defer func() {
		if f.out.Cap() <= maxKeptBuffer {
			f.src.Reset(nil)
			inflaters.Put(f)
		}
	}()
	packed = append(append(packed, syncTail...), lastBlock...)
	f.src.Reset(packed)
	f.out.Reset()
	if err := f.stream.(flate.Resetter).Reset(&f.src, nil); err != nil {
		return err
	}
	if _, err := io.Copy(&f.out, io.LimitReader(f.stream, int64(limit)+1)); err != nil {
		return err
	}
	if f.out.Len() > limit {
		return errInflatedTooBig
	}
	use(f.out.Bytes())
	return nil
}
