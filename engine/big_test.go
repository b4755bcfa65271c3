package engine

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// TestBigMessage sends 16 MiB through a socket that takes little at a time.
func TestBigMessage(t *testing.T) {
	c := serve(t, Config{MaxMessage: 17 << 20}).join()
	if err := c.tcp().SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	big := bytes.Repeat(noise[2][:1<<18], 64)
	sent := make(chan error, 1)
	go func() {
		_, err := c.Write(masked(finBit|byte(ws.OpBinary), big))
		sent <- err
	}()
	if h, err := ws.ReadHeader(c.r); err != nil || h != (ws.Header{Fin: true, OpCode: ws.OpBinary, Length: int64(len(big))}) {
		t.Fatalf("header %+v, %v", h, err)
	}
	got := make([]byte, 0, len(big))
	for len(got) < len(big) {
		n, err := io.ReadFull(c.r, got[len(got):min(len(got)+20_000, len(big))])
		if err != nil {
			t.Fatal(len(got), err)
		}
		got = got[:len(got)+n]
	}
	if !bytes.Equal(got, big) {
		t.Error("the message has changed")
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	c.say(whole(ws.OpText, "what comes after"))
	c.expect(unmasked(ws.OpText, "what comes after"))
}

// TestManyFragments sends one message in 65,536 fragments, with pings between them.
func TestManyFragments(t *testing.T) {
	const count = 65_536
	c := serve(t, Config{MaxMessage: 1 << 20}).join()
	fragment := part(ws.OpContinuation, "0123456789")
	sent := slices.Concat(part(ws.OpText, "0123456789"), bytes.Repeat(fragment, count/2-1), whole(ws.OpPing, "half"),
		bytes.Repeat(fragment, count/2-1), whole(ws.OpContinuation, "0123456789"))
	go func() { _, _ = c.Write(sent) }()
	c.expect(pong("half"), unmasked(ws.OpText, strings.Repeat("0123456789", count)))
}

// TestTooBigOnASocket: the limit is told although the client is still sending.
func TestTooBigOnASocket(t *testing.T) {
	c := serve(t, Config{MaxMessage: 1000}).join()
	c.say(masked(finBit|byte(ws.OpBinary), make([]byte, 1001)))
	c.expect(closed(CloseTooBig, "message too big"))
	c.expectEnd()
}
