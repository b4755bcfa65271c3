package run

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"throng/loadtest/ledger"
)

// framed is a text as it stands on the wire.
func framed(text string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), text...)
}

// TestWire checks that what is sent is received.
func TestWire(t *testing.T) {
	var stream bytes.Buffer
	w := newWire(&stream, &stream)
	sent := []order{
		{Do: doHello, Key: "hush"},
		{Do: doPrepare, Share: &share{Run: 7, Addrs: []string{"127.0.0.1:1"}, Shape: ledger.Shape{Users: 3, Chats: 1}, To: 3}},
		{Do: doSend, Send: &stage{From: 1, Until: 1 << 60, Rate: 0.1, Measure: true}},
		{Do: doSettle, Total: &ledger.SentReport{Parts: []ledger.SentPart{{To: 3, Direct: bytes.Repeat([]byte{1}, 1<<20)}}}},
		{Do: doStop},
	}
	for _, o := range sent {
		if err := w.send(o); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range sent {
		var got order
		if err := w.receive(&got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if err := w.receive(new(order)); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

// TestWireBad checks what is not a message.
func TestWireBad(t *testing.T) {
	long := order{Total: &ledger.SentReport{Parts: []ledger.SentPart{{Direct: make([]byte, maxFrame)}}}}
	if err := newWire(nil, io.Discard).send(long); err == nil {
		t.Error("a message longer than the wire allows was sent")
	}
	whole := framed(`{"do":"hello"}`)
	cases := []struct {
		name, stream, want string
	}{
		{"cut in the length", "\x00\x00", "unexpected EOF"},
		{"cut after the length", "\x00\x00\x00\x05", "unexpected EOF"},
		{"cut in the text", string(whole[:9]), "unexpected EOF"},
		{"cut after the next length", string(whole) + "\x00\x00\x00\x05", "unexpected EOF"},
		{"too long", "\x04\x00\x00\x01", "no load worker"},
		{"empty", "\x00\x00\x00\x00", "unexpected end of JSON"},
		{"no JSON", string(framed("hello")), "invalid character"},
		{"another type", string(framed(`{"do":7}`)), "cannot unmarshal"},
	}
	for _, c := range cases {
		w := newWire(strings.NewReader(c.stream), io.Discard)
		var err error
		for err == nil {
			err = w.receive(new(order))
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

// FuzzReceive feeds a wire with anything: it never takes more memory than what has come, and always ends.
func FuzzReceive(f *testing.F) {
	f.Add(framed(`{"do":"hello","key":"hush"}`))
	f.Add(append(framed(`{"did":"settle","account":{"total":{"sent":1}}}`), framed(`{"news":{"at":1,"spread":[{"c":1}]}}`)...))
	f.Add([]byte("\x03\xff\xff\xff{}"))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Add(append(framed(`{}`), framed(``)...))
	f.Fuzz(func(t *testing.T, stream []byte) {
		w := newWire(bytes.NewReader(stream), io.Discard)
		for n := 0; ; n++ {
			var o order
			var a answer
			var into any = &o
			if n%2 == 1 {
				into = &a
			}
			if err := w.receive(into); err != nil {
				break
			}
			if 4*n > len(stream) {
				t.Fatalf("%d messages in %d bytes", n+1, len(stream))
			}
		}
		if cap(w.buf) > 2*len(stream)+512 {
			t.Errorf("%d bytes kept for %d that came", cap(w.buf), len(stream))
		}
	})
}

// TestOrders gives a worker orders that it cannot carry out: it says so, and goes on.
func TestOrders(t *testing.T) {
	good := share{Run: 7, Addrs: []string{"127.0.0.1:1"}, Shape: ledger.Shape{Users: 4, Chats: 1, Talkers: 1, Contacts: 1}, To: 4}
	damaged := &ledger.SentReport{Parts: []ledger.SentPart{{To: 4, Direct: []byte{0xff}}}}
	cut := func(change func(*share)) *share { s := good; change(&s); return &s }
	cases := []struct {
		name string
		o    order
		want string
	}{
		{"sending before preparing", order{Do: doSend, Send: &stage{}}, "versions"},
		{"connecting before preparing", order{Do: doConnect}, "versions"},
		{"storming before preparing", order{Do: doStorm}, "versions"},
		{"settling before preparing", order{Do: doSettle, Total: &ledger.SentReport{}}, "versions"},
		{"asking before preparing", order{Do: doSent}, "versions"},
		{"no share", order{Do: doPrepare}, "one share"},
		{"no servers", order{Do: doPrepare, Share: cut(func(s *share) { s.Addrs = nil })}, "0 servers"},
		{"too many chats", order{Do: doPrepare, Share: cut(func(s *share) { s.Shape.Chats = 2 })}, "2 chats"},
		{"users from the end", order{Do: doPrepare, Share: cut(func(s *share) { s.From, s.To = 3, 1 })}, "users"},
		{"users of nobody", order{Do: doPrepare, Share: cut(func(s *share) { s.From, s.To = 3, 9 })}, "users"},
		{"a bad address", order{Do: doPrepare, Share: cut(func(s *share) { s.Addrs = []string{"nowhere"} })}, "nowhere"},
		{"a good one", order{Do: doPrepare, Share: &good}, ""},
		{"a second share", order{Do: doPrepare, Share: &good}, "one share"},
		{"no stage", order{Do: doSend}, "versions"},
		{"nothing to settle", order{Do: doSettle}, "versions"},
		{"damaged sums", order{Do: doSettle, Total: damaged}, "ledger"},
		{"an order of the future", order{Do: "dance"}, `unknown order "dance": the versions`},
		{"a good one after all", order{Do: doSent}, ""},
	}
	toWorker, orders := io.Pipe()
	answers, fromWorker := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- Work(toWorker, fromWorker, "") }()
	h := newHand("1", answers, orders, func() { _ = orders.Close() }, func(*news) {})
	if err := h.meet(t.Context(), "", hostID()); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		_, err := h.ask(t.Context(), c.o)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	_ = orders.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	_ = fromWorker.Close()
	h.close()
	if _, err := h.ask(t.Context(), order{Do: doSent}); err == nil || !errors.Is(err, errGone) {
		t.Errorf("asking who has gone: %v", err)
	}
}

// TestLastWords checks that what a worker says right before its end is heard.
func TestLastWords(t *testing.T) {
	for range 50 {
		toWorker, orders := io.Pipe()
		answers, fromWorker := io.Pipe()
		h := newHand("1", answers, orders, func() { _ = orders.Close() }, func(*news) {})
		go func() {
			w := newWire(toWorker, fromWorker)
			_ = w.send(answer{Did: doHello, Err: "no"})
			_ = fromWorker.Close()
			<-h.gone // so that the answer and the end are there at once
			_ = w.receive(new(order))
			_ = toWorker.Close()
		}()
		if _, err := h.ask(t.Context(), order{Do: doHello}); err == nil || !strings.HasSuffix(err.Error(), ": no") {
			t.Fatalf("%v, want no", err)
		}
		h.close()
	}
}

// TestDisobedience checks that a worker that does not answer is given up, once and for all.
func TestDisobedience(t *testing.T) {
	t.Parallel()
	toWorker, orders := io.Pipe()
	answers, fromWorker := io.Pipe()
	h := newHand("1", answers, orders, func() { _ = fromWorker.Close() }, func(*news) {})
	defer h.close()
	heard := make(chan string, 3)
	go func() {
		w := newWire(toWorker, io.Discard)
		for {
			var o order
			if w.receive(&o) != nil {
				close(heard)
				return
			}
			heard <- o.Do
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	for range 2 {
		if _, err := h.ask(ctx, order{Do: doConnect}); err == nil || !strings.Contains(err.Error(), "does not answer") {
			t.Fatalf("%v", err)
		}
	}
	_ = orders.Close()
	var all []string
	for do := range heard {
		all = append(all, do)
	}
	if want := []string{doConnect, doStop}; !reflect.DeepEqual(all, want) {
		t.Errorf("the worker heard %q, want %q", all, want)
	}
}
