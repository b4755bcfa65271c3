package accept

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// inEachProxy runs a test behind nginx and behind haproxy.
func inEachProxy(t *testing.T, test func(t *testing.T, kind proxyKind)) {
	t.Helper()
	for _, kind := range []proxyKind{nginx, haproxy} {
		t.Run(kind.name, func(t *testing.T) {
			kind.find(t)
			test(t, kind)
		})
	}
}

// single starts a server for a proxy.
func (k proxyKind) single(t *testing.T, args ...string) *node {
	t.Helper()
	n := newNode(t, filepath.Join(t.TempDir(), "data"), slices.Concat([]string{"--admin", "127.0.0.1:0"}, k.node, args))
	n.start()
	return n
}

// pair starts two nodes for a proxy, which are one chat. The first carries NATS.
func (k proxyKind) pair(t *testing.T) *house {
	t.Helper()
	nats := freePort(t)
	args := slices.Concat([]string{"--admin", "127.0.0.1:0"}, k.node)
	first := newNode(t, filepath.Join(t.TempDir(), "first"), slices.Concat(args, []string{"--nats", "embedded", "--nats-listen", nats}))
	second := newNode(t, filepath.Join(t.TempDir(), "second"), slices.Concat(args, []string{"--nats", "nats://" + nats}))
	h := &house{t: t, node: first, others: []*node{second}, turn: &turn{}}
	h.start()
	return h
}

// TestProxy has the page, both dialects and the echo through a proxy, without TLS and with it.
func TestProxy(t *testing.T) {
	inEachProxy(t, func(t *testing.T, kind proxyKind) {
		n := kind.single(t, "--echo-max", "2MiB")
		p := kind.start(t, n, n)
		for _, scheme := range []string{"ws", "wss"} {
			t.Run(scheme, func(t *testing.T) {
				p := *p
				p.t = t
				p.page(scheme)
				p.chat(scheme)
				p.echo(scheme)
			})
		}
	})
}

// page loads the page.
func (p *proxy) page(scheme string) {
	p.t.Helper()
	conn, err := p.dial(scheme, "127.0.0.1")
	if err != nil {
		p.t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{
		DialContext:    func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		DialTLSContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil },
	}}
	defer client.CloseIdleConnections()
	answer, err := client.Get(strings.Replace(scheme, "ws", "http", 1) + "://throng/")
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(strings.ToLower(string(body)), "<!doctype html>") {
		p.t.Fatalf("%s, %v: %.200s", answer.Status, err, body)
	}
}

// chat has somebody of each dialect talk with the other, from a page of this origin; a foreign one is refused.
func (p *proxy) chat(scheme string) {
	p.t.Helper()
	origin := "Origin: " + strings.Replace(scheme, "ws", "http", 1) + "://throng\r\n"
	old := p.enter(scheme, "127.0.0.1", "/conn/ws/old-"+scheme, origin)
	neu := p.enter(scheme, "127.0.0.1", "/conn/ws/new-"+scheme, origin+offer)
	neu.say(`{"t":"hello","id":1}`)
	if welcome := neu.next(); welcome["t"] != `"welcome"` {
		p.t.Fatalf("a hello is answered by %v", welcome)
	}
	old.say(fmt.Sprintf(`{"to_user":"new-%s","message":"hi"}`, scheme))
	if m := neu.next(); m["t"] != `"msg"` || m["message"] != `"hi"` {
		p.t.Fatalf("the message came as %v", m)
	}
	neu.say(fmt.Sprintf(`{"t":"msg","id":2,"to_user":"old-%s","message":"oh, hi"}`, scheme))
	old.hear(fmt.Sprintf(`{"from_user":"new-%s","to_user":"old-%s","message":"oh, hi"}`, scheme, scheme))
	if who, answer := p.call(scheme, "127.0.0.1", "/conn/ws/x", "Origin: https://elsewhere.test\r\n"); who != nil || answer.StatusCode != http.StatusForbidden {
		p.t.Errorf("a page from elsewhere gets %s", answer.Status)
	}
}

// echo sends 1 MiB there and back.
func (p *proxy) echo(scheme string) {
	p.t.Helper()
	e := p.enter(scheme, "127.0.0.1", "/conn_ws", "")
	payload := strings.Repeat("0123456789abcdef", 1<<16)
	sent := make(chan error, 1)
	go func() {
		_, err := e.conn.Write(frameOf(ws.OpBinary, payload))
		sent <- err
	}()
	op, got, err := e.frame()
	if err := <-sent; err != nil {
		p.t.Fatal(err)
	}
	if err != nil || op != ws.OpBinary || got != payload {
		p.t.Fatalf("%d bytes came back as opcode %d with %d, %v", len(payload), op, len(got), err)
	}
}

// TestProxyIdle says nothing for longer than the proxy's timeout, which is cut to 2 s: the pings keep the connection where they come
// more often than that, and only there.
func TestProxyIdle(t *testing.T) {
	t.Parallel()
	inEachProxy(t, func(t *testing.T, kind proxyKind) {
		t.Parallel()
		timeout := []string{"proxy_read_timeout 75s", "proxy_read_timeout 2s", "proxy_send_timeout 75s", "proxy_send_timeout 2s"}
		if kind.file == haproxy.file {
			timeout = []string{"timeout tunnel 75s", "timeout tunnel 2s"}
		}
		n := kind.single(t, "--ping", "500ms")
		e := kind.start(t, n, n, timeout...).enter("ws", "127.0.0.1", "/conn_ws", "")
		for range 10 { // pings, so 5 s
			e.pong()
		}
		e.say("still here")
		if _, got, err := e.frame(); err != nil || got != "still here" {
			t.Errorf("after 10 pings: %q, %v", got, err)
		}
		slow := kind.single(t, "--ping", "1h")
		e = kind.start(t, slow, slow, timeout...).enter("ws", "127.0.0.1", "/conn_ws", "")
		if op, got, err := e.frame(); err == nil && op != ws.OpClose {
			t.Errorf("without pings the proxy should have ended it; there came opcode %d, %q", op, got)
		}
	})
}

// pong waits for a ping and answers it.
func (p *person) pong() {
	p.t.Helper()
	_ = p.conn.SetDeadline(time.Now().Add(patience))
	h, err := ws.ReadHeader(p.in)
	if err != nil || h.OpCode != ws.OpPing || h.Length > ws.MaxControlFramePayloadSize {
		p.t.Fatalf("instead of a ping came opcode %d with %d bytes, %v", h.OpCode, h.Length, err)
	}
	payload := make([]byte, h.Length)
	if _, err := io.ReadFull(p.in, payload); err != nil {
		p.t.Fatal(err)
	}
	p.write(ws.OpPong, string(payload))
}

// TestProxyDrain stops one of two nodes behind a proxy while 200 people talk: those that it had come back on the other by the same
// door, and nothing that was acknowledged is lost, or comes twice.
func TestProxyDrain(t *testing.T) {
	inEachProxy(t, func(t *testing.T, kind proxyKind) {
		const people, each = 200, 6
		h := kind.pair(t)
		p := kind.start(t, h.node, h.others[0])
		l := newLedger()
		var crowd []*witness
		for i := range people {
			crowd = append(crowd, enter(t, p.plain, fmt.Sprintf("p%d", i), time.Second))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
		defer cancel()
		var talk sync.WaitGroup
		for i, w := range crowd {
			talk.Go(func() {
				for k := range each {
					to := fmt.Sprintf("p%d", (i+1)%people)
					if i%20 == 0 {
						to = "" // everyone
					}
					if err := w.settle(ctx, w.say(to, "", fmt.Sprintf("p%d-%d", i, k)), l); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		l.await(t, people*each/3)
		h.others[0].stop()
		talk.Wait()
		if l.count() != people*each {
			t.Fatalf("%d acks of %d", l.count(), people*each)
		}
		moved := 0
		for _, w := range crowd {
			w.audit(t, l)
			if w.Tally().Welcomes > 1 {
				moved++
			}
		}
		if moved == 0 {
			t.Error("nobody was on the node that was stopped")
		}
		t.Logf("%d of %d came back on the other node: %s", moved, people, total(crowd))
	})
}
