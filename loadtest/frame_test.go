package loadtest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// event is what a decoder hands out.
type event struct {
	op      ws.OpCode
	payload string
}

// model reads a whole stream with the library's reader, the slow and obvious way.
func model(stream []byte) (events []event, err error) {
	r := bytes.NewReader(stream)
	var (
		message ws.OpCode
		data    []byte
	)
	for {
		before := r.Len()
		if rest := stream[len(stream)-before:]; before >= headSize(rest) && rest[1]&0x80 != 0 {
			return events, ws.ErrProtocolMaskUnexpected // the library would wait for the key
		}
		h, err := ws.ReadHeader(r)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return events, err
		}
		if err != nil {
			return events, nil
		}
		state := ws.StateClientSide
		if message != 0 {
			state = state.Set(ws.StateFragmented)
		}
		if err := ws.CheckHeader(h, state); err != nil {
			return events, err
		}
		if before-r.Len() != ws.HeaderSize(h) {
			return events, errLength
		}
		if h.Length > int64(r.Len()) {
			return events, nil
		}
		payload := make([]byte, h.Length)
		_, _ = io.ReadFull(r, payload)
		if h.OpCode.IsControl() {
			events = append(events, event{h.OpCode, string(payload)})
			continue
		}
		if message == 0 {
			message = h.OpCode
		}
		if data = append(data, payload...); h.Fin {
			events = append(events, event{message, string(data)})
			message, data = 0, nil
		}
	}
}

// decode runs a stream through a decoder in chunks, each in memory of its own that is spoilt
// afterwards, as a reused read buffer is.
func decode(stream []byte, keep bool, size func() int) (events []event, err error) {
	d := decoder{keep: keep}
	for len(stream) > 0 {
		n := min(size(), len(stream))
		chunk := bytes.Clone(stream[:n])
		stream = stream[n:]
		for rest := chunk; len(rest) > 0; {
			var (
				op      ws.OpCode
				payload []byte
			)
			if op, payload, rest, err = d.next(rest); err != nil {
				return events, err
			}
			if op != 0 {
				events = append(events, event{op, string(payload)})
			}
		}
		for i := range chunk {
			chunk[i] = 0xee
		}
	}
	return events, nil
}

func frame(b0 byte, payload string) string {
	f := ws.NewFrame(ws.OpCode(b0&15), b0&0x80 != 0, []byte(payload))
	return string(ws.MustCompileFrame(f))
}

var streams = []string{
	"",
	frame(0x81, ""),
	frame(0x81, "hello") + frame(0x82, "\x00\x01"),
	frame(0x81, strings.Repeat("a", 125)) + frame(0x81, strings.Repeat("b", 126)) + frame(0x81, "c"),
	frame(0x81, strings.Repeat("a", 65535)) + frame(0x81, strings.Repeat("b", 65536)),
	frame(0x01, "one ") + frame(0x89, "ping") + frame(0x00, "two ") + frame(0x80, "three") + frame(0x81, "four"),
	frame(0x01, "") + frame(0x00, "") + frame(0x80, ""),
	frame(0x88, "\x03\xe8bye"),
	frame(0x8a, "") + frame(0x89, strings.Repeat("p", 125)),
	"\x81\x85abcdhello",                 // masked
	"0\x81",                             // masked, and the key has not come
	"\xc1\x01a",                         // a reserved bit
	"\x83\x01a",                         // a reserved opcode
	"\x89\x7e\x00\x7e",                  // a control frame of 126 bytes
	"\x09\x00",                          // a control frame that is not final
	"\x80\x00",                          // a continuation of nothing
	frame(0x01, "a") + frame(0x81, "b"), // a message within a message
	"\x81\x7e\x00\x7d",                  // 125 in 16 bits
	"\x81\x7f\x00\x00\x00\x00\x00\x00\xff\xff",  // 65535 in 64 bits
	"\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00a", // 2^63
	"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xffa", // 2^63-1, which is legal and never ends
}

// check compares the decoder with the model.
func check(t *testing.T, stream []byte, seed uint64) {
	t.Helper()
	want, wantErr := model(stream)
	r := rand.New(rand.NewPCG(seed, 0))
	most := 1 + r.IntN(1+int(seed%300))
	size := func() int { return 1 + r.IntN(most) }
	for _, keep := range []bool{true, false} {
		got, err := decode(stream, keep, size)
		if errors.Is(err, errTooBig) {
			continue // the model has no such bound
		}
		if (err != nil) != (wantErr != nil) {
			t.Fatalf("keep %v: error %v, want %v", keep, err, wantErr)
		}
		for i := range want {
			if !keep && !want[i].op.IsControl() {
				want[i].payload = ""
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("keep %v: got %d events, want %d:\n%.200q\n%.200q", keep, len(got), len(want), got, want)
		}
	}
}

func TestDecoder(t *testing.T) {
	for _, s := range streams {
		for seed := range uint64(20) {
			check(t, []byte(s), seed)
		}
	}
}

func FuzzDecoder(f *testing.F) {
	for i, s := range streams {
		f.Add([]byte(s), uint64(i))
	}
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) { check(t, stream, seed) })
}

// TestDecoderErrors names the error where the model only knows that there is one.
func TestDecoderErrors(t *testing.T) {
	cases := map[string]struct {
		stream string
		want   error
	}{
		"masked":             {"\x81\x85abcdhello", ws.ErrProtocolMaskUnexpected},
		"reserved bit":       {"\xc1\x01a", ws.ErrProtocolNonZeroRsv},
		"reserved opcode":    {"\x83\x01a", ws.ErrProtocolOpCodeReserved},
		"long control frame": {"\x89\x7e\x00\x7e", ws.ErrProtocolControlPayloadOverflow},
		"split control":      {"\x09\x00", ws.ErrProtocolControlNotFinal},
		"continuation":       {"\x80\x00", ws.ErrProtocolContinuationUnexpected},
		"message in message": {frame(0x01, "a") + frame(0x81, "b"), ws.ErrProtocolContinuationExpected},
		"125 in 16 bits":     {"\x81\x7e\x00\x7d", errLength},
		"65535 in 64 bits":   {"\x81\x7f\x00\x00\x00\x00\x00\x00\xff\xff", errLength},
		"2^63":               {"\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00", errLength},
		"too big to keep":    {"\x81\x7f\x00\x00\x00\x00\x01\x00\x00\x01a", errTooBig},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := decode([]byte(c.stream), true, func() int { return 1 << 20 }); err != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// TestDecoderCountsWithoutKeeping sends a gigabyte that nobody wants.
func TestDecoderCountsWithoutKeeping(t *testing.T) {
	var d decoder
	chunk := make([]byte, 1<<20)
	head := binary.BigEndian.AppendUint64([]byte{0x82, 127}, 1<<30)
	if op, _, _, err := d.next(head); op != 0 || err != nil {
		t.Fatal(op, err)
	}
	allocs := testing.AllocsPerRun(1<<10-2, func() {
		if op, _, _, err := d.next(chunk); op != 0 || err != nil {
			t.Fatal(op, err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations a chunk", allocs)
	}
	if op, payload, rest, err := d.next(chunk); op != ws.OpBinary || payload != nil || len(rest) != 0 || err != nil {
		t.Errorf("got %v, %d bytes, rest %d, %v", op, len(payload), len(rest), err)
	}
}

func TestAppendFrame(t *testing.T) {
	for _, n := range []int{0, 1, 125, 126, 65535, 65536, 70001} {
		payload := bytes.Repeat([]byte("abcdefg"), n/7+1)[:n]
		b := appendFrame([]byte("before"), ws.OpText, payload)
		if string(b[:6]) != "before" {
			t.Fatalf("%d: what stood before is gone", n)
		}
		r := bytes.NewReader(b[6:])
		f, err := readFrame(r)
		if err != nil || r.Len() != 0 || !f.Header.Masked || !f.Header.Fin || f.Header.OpCode != ws.OpText {
			t.Fatalf("%d: %+v, %v, %d bytes too many", n, f.Header, err, r.Len())
		}
		if got := f.Payload; !bytes.Equal(got, payload) {
			t.Errorf("%d: the payload differs", n)
		}
	}
}

func BenchmarkDecoder(b *testing.B) {
	chunk := []byte(strings.Repeat(frame(0x81, strings.Repeat("x", 200)), 10))
	d := decoder{keep: true}
	for b.Loop() {
		for rest := chunk; len(rest) > 0; {
			_, _, rest, _ = d.next(rest)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10, "ns/frame")
}
