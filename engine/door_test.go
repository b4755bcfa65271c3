package engine

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// expectRefusal reads an HTTP answer with status and the end of the connection.
func (c *client) expectRefusal(status int) {
	c.t.Helper()
	r, body := c.answer()
	if r.StatusCode != status {
		c.t.Errorf("answer %s %q, want %d", r.Status, body, status)
	}
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		if seconds, err := strconv.Atoi(r.Header.Get("Retry-After")); err != nil || seconds < 1 {
			c.t.Errorf("Retry-After %q", r.Header.Get("Retry-After"))
		}
	}
	c.expectEnd()
}

// ask sends a handshake.
func (c *client) ask() *client {
	c.t.Helper()
	c.say([]byte(handshake("/ws")))
	return c
}

func TestFull(t *testing.T) {
	s := serve(t, Config{MaxConns: 2, Pages: page})
	first := s.join()
	s.join()
	for road, open := range roads {
		t.Run(road, func(t *testing.T) { open(s.in(t)).ask().expectRefusal(http.StatusServiceUnavailable) })
	}
	_ = first.Close()
	eventually(t, "there is room again", func() bool { return s.Conns() == 1 })
	s.join()
}

func TestTooManyFromOneAddress(t *testing.T) {
	s := serve(t, Config{MaxConnsPerIP: 2, Pages: page})
	first := s.join()
	s.join()
	for road, open := range roads {
		t.Run(road, func(t *testing.T) { open(s.in(t)).ask().expectRefusal(http.StatusTooManyRequests) })
	}
	_ = first.Close()
	eventually(t, "the address has room again", func() bool { return s.Conns() == 1 })
	s.join()
	s.expectAddresses(1)
}

// expectAddresses checks how many addresses the door counts connections of.
func (s *server) expectAddresses(want int) {
	s.t.Helper()
	s.door.mu.Lock()
	defer s.door.mu.Unlock()
	if got := len(s.door.addresses); got != want {
		s.t.Errorf("%d addresses are known, want %d: %v", got, want, s.door.addresses)
	}
}

// TestRefusedAddressIsForgotten: what is not let in is not counted.
func TestRefusedAddressIsForgotten(t *testing.T) {
	s := serve(t, Config{MaxConnsPerIP: 1, Accept: func(*http.Request) (Open, error) { return nil, errors.New("never") }})
	for range 3 {
		s.dial().ask().expectRefusal(http.StatusInternalServerError)
	}
	s.expectAddresses(0)
}

func TestDraining(t *testing.T) {
	s := serve(t, Config{Pages: page})
	before := s.join()
	before.say(whole(ws.OpText, "I am in"))
	before.expect(unmasked(ws.OpText, "I am in"))
	s.Drain()
	if !s.Draining() {
		t.Error("not draining")
	}
	for road, open := range roads {
		t.Run(road, func(t *testing.T) { open(s.in(t)).ask().expectRefusal(http.StatusServiceUnavailable) })
	}
	before.say(whole(ws.OpText, "still here"))
	before.expect(unmasked(ws.OpText, "still here"))
}

func TestSlowHead(t *testing.T) {
	s := serve(t, Config{HeadTimeout: 50 * time.Millisecond, Pages: page})
	for _, sent := range []string{"", "GET /ws HTTP/1.1\r\n", strings.TrimSuffix(handshake("/ws"), "\r\n")} {
		c := s.dial()
		c.say([]byte(sent))
		c.expectRefusal(http.StatusRequestTimeout)
	}
	c := s.browse()
	c.say([]byte("GET /ws HTTP/1.1\r\n"))
	c.expectEnd()
}

// TestAcceptIsAsked: its answer decides, and its text is the body.
func TestAcceptIsAsked(t *testing.T) {
	s := serve(t, Config{Accept: func(r *http.Request) (Open, error) {
		if r.RemoteAddr == "" {
			t.Error("the request has no address")
		}
		return nil, errors.Join(errors.New("two\r\nlines"), Refuse(http.StatusConflict, "taken"))
	}})
	c := s.dial().ask()
	r, body := c.answer()
	if r.StatusCode != http.StatusConflict || body != "two  lines taken\n" {
		t.Errorf("answer %s %q", r.Status, body)
	}
	if kind := r.Header.Get("X-Content-Type-Options"); kind != "nosniff" {
		t.Errorf("a browser may guess what the refusal is: %q", kind)
	}
}

// TestPages: everything that is no WebSocket request for a socket path is net/http's.
func TestPages(t *testing.T) {
	s := serve(t, Config{Pages: page})
	for _, request := range []string{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n",
		handshake("/elsewhere"),
		"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 10_000) + "\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
		"GET / HTTP/1.0\r\n\r\n",
	} {
		for range 2 { // a refusal must not spoil the connections that follow
			c := s.dial()
			c.say([]byte(request))
			if r, body := c.answer(); r.StatusCode != http.StatusOK || body != "a page" {
				t.Errorf("%.30q: %s %q", request, r.Status, body)
			}
		}
	}
	c := s.browse()
	c.say([]byte("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
	if _, body := c.answer(); body != "a page" {
		t.Errorf("second page %q", body)
	}
	c.expectEnd()
}

// expectIdle waits until so many connections that had a page wait for another request.
func (s *server) expectIdle(want int) {
	s.t.Helper()
	for n, end := -1, time.Now().Add(patience); n != want; time.Sleep(time.Millisecond) {
		s.door.pages.mu.Lock()
		n = s.door.pages.idle.Len()
		s.door.pages.mu.Unlock()
		if time.Now().After(end) {
			s.t.Fatalf("%d are idle, want %d", n, want)
		}
	}
}

// TestManyPages: there are so many pages at a time, and whoever has had one and stays makes room for others.
func TestManyPages(t *testing.T) {
	began, finish := make(chan bool), make(chan bool)
	s := serve(t, Config{MaxHandshakes: 4, Pages: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			began <- true
			<-finish
		}
		page(w, r)
	})})
	var open []*client
	for range 4 {
		c := s.dial()
		c.say([]byte("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"))
		<-began
		open = append(open, c)
	}
	c := s.dial()
	c.say([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
	c.expectRefusal(http.StatusServiceUnavailable)
	s.join()
	close(finish)
	for _, c := range open {
		c.answer()
	}
	s.expectIdle(4)
	open[0].ask() // it leaves net/http
	if r, _ := open[0].answer(); r.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("status %s", r.Status)
	}
	for range 10 {
		s.browse()
		s.expectIdle(4)
	}
	for _, c := range open[1:] {
		c.expectEnd()
	}
}

// TestEager sends frames together with the handshake: they are served after the 101, however many they are.
func TestEager(t *testing.T) {
	s := serve(t, Config{Pages: page})
	for road, open := range roads {
		for _, count := range []int{1, 3, 12} {
			t.Run(road+"/"+strconv.Itoa(count), func(t *testing.T) {
				c := open(s.in(t))
				hello := strings.Repeat("hello", 200)
				last := whole(ws.OpText, "the last")
				sent := slices.Concat([]byte(handshake("/ws")), slices.Repeat(whole(ws.OpText, hello), count), last)
				half := len(sent) - len(last)/2
				c.say(sent[:half])
				if r, body := c.answer(); r.StatusCode != http.StatusSwitchingProtocols {
					t.Fatalf("status %s %q", r.Status, body)
				}
				c.say(sent[half:])
				for range count {
					c.expect(unmasked(ws.OpText, hello))
				}
				c.expect(unmasked(ws.OpText, "the last"))
			})
		}
	}
}

// TestEagerBehindAPage: net/http may have read less than the door did.
func TestEagerBehindAPage(t *testing.T) {
	s := serve(t, Config{Pages: page})
	c := s.dial()
	hello := strings.Repeat("y", 1000)
	c.say([]byte("GET /page HTTP/1.1\r\nHost: throng.test\r\nX: "+strings.Repeat("x", 9000)+"\r\n\r\n"),
		[]byte(handshake("/ws")), slices.Repeat(whole(ws.OpText, hello), 6))
	if r, body := c.answer(); body != "a page" {
		t.Fatalf("%s %q", r.Status, body)
	}
	if r, body := c.answer(); r.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%s %q", r.Status, body)
	}
	for range 6 {
		c.expect(unmasked(ws.OpText, hello))
	}
}

// TestAnswerComesFirst: nothing is sent before the 101, whatever comes with the handshake and whatever Open sends.
func TestAnswerComesFirst(t *testing.T) {
	s := serve(t, Config{Pages: page, Accept: letIn(func(c *Conn) Session {
		c.Send(NewFrame(false, []byte("welcome")))
		c.Flush()
		return echo{c}
	})})
	full := strings.Repeat("p", maxPayload)
	for road, open := range roads {
		t.Run(road, func(t *testing.T) {
			c := open(s.in(t))
			c.say([]byte(handshake("/ws", "X: "+strings.Repeat("x", 9000))), // what reads this reads on far enough
				slices.Repeat(whole(ws.OpPing, full), 50), whole(ws.OpText, "hello"))
			if r, body := c.answer(); r.StatusCode != http.StatusSwitchingProtocols {
				t.Fatalf("status %s %q", r.Status, body)
			}
			f := c.hear()
			for ; f == pong(full); f = c.hear() {
			}
			if f != unmasked(ws.OpText, "welcome") {
				t.Errorf("got %v after the pongs", f)
			}
			for f = c.hear(); f == pong(full); f = c.hear() {
			}
			if f != unmasked(ws.OpText, "hello") {
				t.Errorf("got %v after the welcome", f)
			}
		})
	}
}

func TestCompressionIsNegotiated(t *testing.T) {
	const offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
	for _, compress := range []bool{false, true} {
		s := serve(t, Config{Compress: compress})
		for _, lines := range [][]string{nil, {offer}} {
			c := s.dial()
			c.say([]byte(handshake("/ws", lines...)))
			r, _ := c.answer()
			agreed := r.Header.Get("Sec-WebSocket-Extensions") != ""
			if want := compress && lines != nil; agreed != want {
				t.Errorf("agreed to compress is %v, want %v", agreed, want)
			}
			long := strings.Repeat("hello ", 100)
			c.say(whole(ws.OpText, long))
			f := c.hear()
			if compressed := f.first&deflateBit != 0; compressed != agreed || plain(t, f) != unmasked(ws.OpText, long) {
				t.Errorf("agreed %v, the echo is %v", agreed, f)
			}
		}
	}
}
