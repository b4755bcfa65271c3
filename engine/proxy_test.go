package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// peeking is dripping whose bytes can be looked at.
type peeking struct{ dripping }

func (p *peeking) peek(b []byte) (int, error) {
	if len(p.pieces) == 0 {
		return 0, p.end
	}
	return copy(b, p.pieces[0]), nil
}

// inPieces is a connection that gives b in pieces of size bytes, and then ends with end.
func inPieces(b []byte, size int, end error) *peeking {
	p := &peeking{dripping{end: end}}
	for len(b) > 0 {
		n := min(size, len(b))
		p.pieces = append(p.pieces, bytes.Clone(b[:n]))
		b = b[n:]
	}
	return p
}

// proxyHeader is a header of version 2 as the library writes it, of a client that came by TCP.
func proxyHeader(source string, tlvs ...byte) string {
	h := proxyproto.HeaderProxyFromAddrs(2, tcpAddr(source), tcpAddr(source))
	h.Command = proxyproto.PROXY
	b, err := h.Format()
	if err != nil {
		panic(err)
	}
	if len(tlvs) > 0 {
		b = append(b, tlvs...)
		binary.BigEndian.PutUint16(b[14:], uint16(len(b)-fixedProxyV2))
	}
	return string(b)
}

func tcpAddr(text string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(text)) }

const (
	localV2  = "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
	v2       = "\r\n\r\n\x00\r\nQUIT\n"
	unixV2   = v2 + "\x21\x31\x00\xd8"
	localTLV = v2 + "\x20\x00\x00\x04\x04\x00\x01x"
)

func TestReadProxy(t *testing.T) {
	nobody := netip.AddrPort{}.String()
	for _, test := range []struct {
		name, sent string
		end        error // after what was sent; nil: io.EOF
		want       string
		err        error
	}{
		{name: "v1", sent: "PROXY TCP4 192.0.2.1 10.0.0.1 4711 80\r\n", want: "192.0.2.1:4711"},
		{name: "v1 IPv6", sent: "PROXY TCP6 2001:db8::1 fd00::1 4711 80\r\n", want: "[2001:db8::1]:4711"},
		{name: "v1 mapped", sent: "PROXY TCP6 ::ffff:192.0.2.1 ::ffff:10.0.0.1 4711 80\r\n", want: "192.0.2.1:4711"},
		{name: "v1 unknown", sent: "PROXY UNKNOWN\r\n", want: nobody},
		{name: "v1 unknown, long", sent: "PROXY UNKNOWN ffff:f... ffff::1 65535 65535\r\n", want: nobody},
		{name: "v1 as long as may be", sent: "PROXY UNKNOWN " + strings.Repeat("x", maxProxyV1-16) + "\r\n", want: nobody},
		{name: "v1 too long", sent: "PROXY UNKNOWN " + strings.Repeat("x", maxProxyV1-15) + "\r\n", err: errBadProxy},
		{name: "v1 endless", sent: "PROXY TCP4 " + strings.Repeat("1", 1<<16), err: errBadProxy},
		{name: "v1 LF alone", sent: "PROXY TCP4 192.0.2.1 10.0.0.1 4711 80\n", err: errBadProxy},
		{name: "v1 UDP", sent: "PROXY UDP4 192.0.2.1 10.0.0.1 4711 80\r\n", err: errBadProxy},
		{name: "v1 families mixed", sent: "PROXY TCP4 2001:db8::1 fd00::1 4711 80\r\n", err: errBadProxy},
		{name: "v1 no ports", sent: "PROXY TCP4 192.0.2.1 10.0.0.1\r\n", err: errBadProxy},
		{name: "v1 port", sent: "PROXY TCP4 192.0.2.1 10.0.0.1 70000 80\r\n", err: errBadProxy},
		{name: "v1 no address", sent: "PROXY TCP4 client.test 10.0.0.1 4711 80\r\n", err: errBadProxy},
		{name: "v1 spaces", sent: "PROXY  TCP4 192.0.2.1 10.0.0.1 4711 80\r\n", err: errBadProxy},
		{name: "v1 in small letters", sent: "proxy TCP4 192.0.2.1 10.0.0.1 4711 80\r\n", err: errBadProxy},
		{name: "v1 half", sent: "PROXY TCP4 192.0.2.1", err: errHeadLost},
		{name: "v1 slow", sent: "PROXY TCP4 192.0.2.1", end: os.ErrDeadlineExceeded, err: errHeadTimeout},
		{name: "v2", sent: proxyHeader("192.0.2.1:4711"), want: "192.0.2.1:4711"},
		{name: "v2 IPv6", sent: proxyHeader("[2001:db8::1]:4711"), want: "[2001:db8::1]:4711"},
		{name: "v2 with extensions", sent: proxyHeader("192.0.2.1:4711", 4, 0, 2, 0, 0), want: "192.0.2.1:4711"},
		{name: "v2 as long as may be", sent: proxyHeader("192.0.2.1:4711", make([]byte, maxProxy-fixedProxyV2-12)...), want: "192.0.2.1:4711"},
		{name: "v2 too long", sent: proxyHeader("192.0.2.1:4711", make([]byte, maxProxy-fixedProxyV2-11)...), err: errBadProxy},
		{name: "v2 a promise of 64 KiB", sent: v2 + "\x21\x11\xff\xff", err: errBadProxy},
		{name: "v2 local", sent: localV2, want: nobody},
		{name: "v2 local with extensions", sent: localTLV, want: nobody},
		{name: "v2 from a Unix socket", sent: unixV2 + strings.Repeat("x", 216), want: nobody},
		{name: "v2 version 3", sent: v2 + "\x31\x11\x00\x0c" + strings.Repeat("x", 12), err: errBadProxy},
		{name: "v2 command", sent: v2 + "\x2f\x11\x00\x0c" + strings.Repeat("x", 12), err: errBadProxy},
		{name: "v2 family", sent: v2 + "\x21\x71\x00\x0c" + strings.Repeat("x", 12), err: errBadProxy},
		{name: "v2 too short for its family", sent: v2 + "\x21\x21\x00\x0c" + strings.Repeat("x", 12), err: errBadProxy},
		{name: "v2 half", sent: v2 + "\x21\x11\x00\x0cxxxx", err: errHeadLost},
		{name: "v2 slow", sent: v2 + "\x21", end: os.ErrDeadlineExceeded, err: errHeadTimeout},
		{name: "v2 signature broken", sent: "\r\n\r\n\x00\r\nQUIT\r\x21\x11\x00\x0cxxxxxxxxxxxx", err: errBadProxy},
		{name: "none", sent: "GET / HTTP/1.1\r\n\r\n", err: errBadProxy},
		{name: "TLS", sent: "\x16\x03\x01", err: errBadProxy},
		{name: "POST", sent: "POST / HTTP/1.1\r\n\r\n", err: errBadProxy},
		{name: "nothing", err: errHeadLost},
	} {
		for _, size := range []int{1, 7, 1 << 20} {
			if test.end == nil {
				test.end = io.EOF
			}
			const rest = "GET /"
			sent := test.sent
			if test.err == nil {
				sent += rest
			}
			conn := inPieces([]byte(sent), size, test.end)
			got, err := readProxy(conn)
			if !errors.Is(err, test.err) || err == nil && got.String() != test.want {
				t.Errorf("%s, by %d: %v, %v; want %s, %v", test.name, size, got, err, test.want, test.err)
				continue
			}
			if left := string(bytes.Join(conn.pieces, nil)); err == nil && left != rest {
				t.Errorf("%s, by %d: it leaves %q", test.name, size, left)
			}
		}
	}
}

// FuzzProxy: a header is found to be the same however it comes, as the library finds it, and nothing behind it is taken.
func FuzzProxy(f *testing.F) {
	f.Add([]byte("PROXY TCP4 192.0.2.1 10.0.0.1 4711 80\r\nGET / HTTP/1.1\r\n\r\n"), uint8(3))
	f.Add([]byte("PROXY TCP6 2001:db8::1 fd00::1 4711 80\r\n"), uint8(1))
	f.Add([]byte("PROXY UNKNOWN\r\n"), uint8(9))
	f.Add([]byte(proxyHeader("192.0.2.1:4711")), uint8(5))
	f.Add([]byte(proxyHeader("[2001:db8::1]:4711", 1, 0, 1, 'h')+"more"), uint8(16))
	f.Add([]byte(localV2), uint8(12))
	f.Add([]byte(unixV2+strings.Repeat("x", 216)), uint8(100))
	f.Fuzz(func(t *testing.T, sent []byte, size uint8) {
		conn := inPieces(sent, len(sent)+1, io.EOF)
		whole, err := readProxy(conn)
		left := bytes.Join(conn.pieces, nil)
		conn = inPieces(sent, 1+int(size), io.EOF)
		other, otherErr := readProxy(conn)
		if whole != other || !errors.Is(err, otherErr) {
			t.Fatalf("%v, %v at once; %v, %v by %d", whole, err, other, otherErr, size)
		}
		if err != nil {
			return
		}
		if rest := bytes.Join(conn.pieces, nil); !bytes.Equal(rest, left) || !bytes.HasSuffix(sent, rest) {
			t.Fatalf("it leaves %q at once, %q by %d", left, rest, size)
		}
		if taken := len(sent) - len(left); taken > maxProxy {
			t.Fatalf("a header of %d bytes", taken)
		}
		if whole != bare(whole) {
			t.Fatalf("%v is not bare", whole)
		}
	})
}

// TestAbuseProxy: from who is not trusted a PROXY header is refused, and from who is, nothing else is taken for one.
func TestAbuseProxy(t *testing.T) {
	elsewhere := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	headers := map[string]string{"v1": "PROXY TCP4 192.0.2.1 10.0.0.1 4711 80\r\n", "v2": proxyHeader("192.0.2.1:4711")}
	for name, config := range map[string]Config{
		"from an untrusted peer": {Proxies: elsewhere, ProxyProtocol: true}, "turned off": {Proxies: trusted}, "nobody is trusted": {},
	} {
		for version, header := range headers {
			t.Run(name+"/"+version, func(t *testing.T) {
				s := whereabouts(t, config)
				c := s.dial()
				c.say([]byte(header + handshake("/ws")))
				c.expectRefusal(http.StatusBadRequest)
				if n := testutil.ToFloat64(s.metrics.refused.WithLabelValues("400", "untrusted_proxy")); n != 1 {
					t.Errorf("%v are counted", n)
				}
				s.isAt("", "") // and who sends none is served
			})
		}
	}
	s := whereabouts(t, Config{Proxies: trusted, ProxyProtocol: true, HeadTimeout: 50 * time.Millisecond})
	for version, header := range headers {
		t.Run("trusted/"+version, func(t *testing.T) {
			s := s.in(t)
			s.isAt("192.0.2.1:4711", header)
			s.isAt("192.0.2.1:4711", header, "X-Forwarded-For: 6.6.6.6") // that is the client's word
			c := s.dial()
			c.say([]byte(header + header + handshake("/ws"))) // the second is the client's
			c.expectRefusal(http.StatusBadRequest)
		})
	}
	t.Run("trusted/local", func(t *testing.T) { s.in(t).isAt("", localV2) })
	t.Run("trusted/two proxies", func(t *testing.T) {
		s.in(t).isAt("192.0.2.9:0", proxyHeader("10.0.0.7:1"), "X-Forwarded-For: 6.6.6.6, 192.0.2.9")
	})
	for name, test := range map[string]struct {
		sent   string
		status int
		kind   string
	}{
		"missing":   {handshake("/ws"), http.StatusBadRequest, "proxy_header"},
		"malformed": {"PROXY TCP4 192.0.2.1\r\n" + handshake("/ws"), http.StatusBadRequest, "proxy_header"},
		"oversized": {v2 + "\x21\x11\xff\xff", http.StatusBadRequest, "proxy_header"},
		"endless":   {"PROXY " + strings.Repeat("x", 1000), http.StatusBadRequest, "proxy_header"},
		"partial":   {"PROXY TCP4 192.0", http.StatusRequestTimeout, "slow_request"},
		"no head":   {headers["v1"], http.StatusRequestTimeout, "slow_request"},
		"silent":    {"", http.StatusRequestTimeout, "slow_request"},
	} {
		t.Run("trusted/"+name, func(t *testing.T) {
			counted := s.metrics.refused.WithLabelValues(strconv.Itoa(test.status), test.kind)
			before := testutil.ToFloat64(counted)
			c := s.in(t).dial()
			c.say([]byte(test.sent))
			c.expectRefusal(test.status)
			if n := testutil.ToFloat64(counted) - before; n != 1 {
				t.Errorf("%v are counted as %s", n, test.kind)
			}
		})
	}
}

// TestAbuseProxySlow: a PROXY header that trickles in gets no time of its own.
func TestAbuseProxySlow(t *testing.T) {
	s := whereabouts(t, Config{Proxies: trusted, ProxyProtocol: true, HeadTimeout: 200 * time.Millisecond})
	c := s.dial()
	header := proxyHeader("192.0.2.1:4711", make([]byte, 2000)...)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, c.r)
	}()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ended:
			if n := testutil.ToFloat64(s.metrics.refused.WithLabelValues("408", "slow_request")); n != 1 {
				t.Errorf("%v are counted as slow", n)
			}
			return
		case <-tick.C:
			if i == len(header) {
				t.Fatal("all of it came in")
			}
			_, _ = c.Write([]byte{header[i]})
		}
	}
}
