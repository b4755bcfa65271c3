package engine

import (
	"net/http"
	"testing"

	"github.com/gobwas/ws"
)

// roads are the two places where a request can come: first on its connection, where the door reads it, and after a page,
// where net/http does. They must judge alike.
var roads = map[string]func(*server) *client{
	"first on its connection": (*server).dial,
	"after a page":            (*server).browse,
}

// browse opens a connection and gets a page on it.
func (s *server) browse() *client {
	s.t.Helper()
	c := s.dial()
	c.say([]byte("GET /page HTTP/1.1\r\nHost: throng.test\r\n\r\n"))
	if r, body := c.answer(); r.StatusCode != http.StatusOK || body != "a page" {
		s.t.Fatalf("the page is %s %q", r.Status, body)
	}
	return c
}

// page answers everything with a page.
var page = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("a page")) })

// choosy refuses what asks to be refused.
func choosy(r *http.Request) (Open, error) {
	if r.URL.RawQuery == "refuse" {
		return nil, Refuse(http.StatusTeapot, "not today")
	}
	return func(c *Conn) Session { return echo{c} }, nil
}

func TestBadRequests(t *testing.T) {
	s := serve(t, Config{Accept: choosy, Pages: page})
	for road, open := range roads {
		for _, bad := range badRequests {
			t.Run(road+"/"+bad.name, func(t *testing.T) {
				c := open(s.in(t))
				_, _ = c.Write([]byte(bad.sent)) // the refusal may come before all of it is written
				r, body := c.answer()
				if r.StatusCode != bad.status {
					t.Errorf("status %s %q, want %d", r.Status, body, bad.status)
				}
				if !r.Close {
					t.Error("the connection stays open")
				}
				if bad.status == http.StatusUpgradeRequired && r.Header.Get("Sec-WebSocket-Version") != "13" {
					t.Error("the version that is supported is not told")
				}
			})
		}
	}
	if n := s.Conns(); n != 0 {
		t.Errorf("%d connections are counted", n)
	}
}

func TestGoodRequests(t *testing.T) {
	s := serve(t, Config{Accept: choosy, Pages: page, Origins: []string{"https://friend.test"}})
	for road, open := range roads {
		for name, good := range goodRequests {
			t.Run(road+"/"+name, func(t *testing.T) {
				c := open(s.in(t))
				c.say([]byte(good))
				r, body := c.answer()
				if r.StatusCode != http.StatusSwitchingProtocols {
					t.Fatalf("status %s %q", r.Status, body)
				}
				// The answer to the sample key of RFC 6455 section 1.3.
				if accept := r.Header.Get("Sec-WebSocket-Accept"); accept != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
					t.Errorf("accept key %q", accept)
				}
				c.say(whole(ws.OpText, "hello"), closing(CloseNormal, ""))
				c.expect(unmasked(ws.OpText, "hello"), closed(CloseNormal, ""))
				c.expectEnd()
			})
		}
	}
}
