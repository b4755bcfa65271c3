package doctor

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

const (
	upgradeTime = 10 * time.Second // for all but the idle test
	answerBytes = 64 << 10         // that are read of an answer to the handshake
	talkBytes   = 1 << 20          // that are read after it
)

// Upgrade tries the echo socket of a running server from outside, through whatever proxies there are: whether the
// address is right, TLS in order and the WebSocket upgrade passed on, whether pings and a message of 64 KiB come back, and,
// when idle is not 0, whether a connection on which nothing is said lives that long. The URL is the server's, as a
// browser or the load tester has it: ws, wss, http or https, or HOST:PORT; a path is taken as the proxy's prefix. The
// checks end with the first that fails. It takes 10 seconds at most, and idle. No more than about 1 MiB is read.
func Upgrade(ctx context.Context, rawurl string, idle time.Duration) []Check {
	v := &visit{limit: upgradeTime}
	return v.all(ctx, rawurl, idle)
}

// visit is one try of a server.
type visit struct {
	limit time.Duration  // for all but the idle test
	roots *x509.CertPool // that are trusted; nil: the system's

	to     *url.URL // ws or wss, with the path of the echo socket
	checks []Check
}

func (v *visit) all(ctx context.Context, rawurl string, idle time.Duration) []Check {
	to, err := parseURL(rawurl)
	if err != nil {
		return []Check{{
			Name: "address", Level: Fail, Found: err.Error(),
			Advice: "throng doctor --url wss://chat.example.com   # ws, wss, http or https",
		}}
	}
	v.to = to
	bounded, cancel := context.WithTimeout(ctx, v.limit)
	defer cancel()
	t := v.open(bounded)
	if t == nil {
		return v.checks
	}
	defer t.conn.Close()
	t.within(bounded, v.limit, func() { v.checks = append(v.checks, t.echo()...) })
	if idle > 0 && Worst(v.checks) < Fail {
		v.checks = append(v.checks, t.idle(ctx, idle))
	}
	t.leave()
	return v.checks
}

// open connects and upgrades, and notes the checks of it. It returns nil when that failed.
func (v *visit) open(ctx context.Context) *talk {
	conn := v.connect(ctx)
	if conn == nil {
		return nil
	}
	t := newTalk(conn)
	var a answer
	var err error
	t.within(ctx, v.limit, func() { a, err = t.ask(v.to, v.origin()) })
	if err != nil {
		conn.Close()
		v.checks = append(v.checks, v.noAnswer(err))
		return nil
	}
	c := a.check(v.to)
	if a.status == http.StatusForbidden {
		v.explainForbidden(ctx, &c)
	}
	v.checks = append(v.checks, c, a.proxies())
	if c.Level == Fail {
		conn.Close()
		return nil
	}
	return t
}

// origin is what a browser sends from a page of the same address.
func (v *visit) origin() string {
	return "http" + strings.TrimPrefix(v.to.Scheme, "ws") + "://" + v.to.Host
}

// explainForbidden finds out whether it is the Origin header that is refused.
func (v *visit) explainForbidden(ctx context.Context, c *Check) {
	again := &visit{limit: v.limit, roots: v.roots, to: v.to}
	conn := again.connect(ctx)
	if conn == nil {
		return
	}
	defer conn.Close()
	t := newTalk(conn)
	var a answer
	var err error
	t.within(ctx, v.limit, func() { a, err = t.ask(v.to, "") })
	if err != nil || a.status != http.StatusSwitchingProtocols {
		c.Found += "; also without an Origin header"
		c.Advice = "# a rule of the proxy forbids " + v.to.Path + ": see its log"
		return
	}
	c.Found += "; without an Origin header it passes"
	c.Advice = lines(
		"proxy_set_header Host $http_host;   # nginx: pass on the Host that the browser asked for",
		"throng --origin "+v.origin()+"   # or name the page's origin")
}

// noAnswer is the check of a handshake to which nothing came that is HTTP.
func (v *visit) noAnswer(err error) Check {
	c := Check{Name: "upgrade", Level: Fail}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.Found = fmt.Sprintf("%s accepts connections and does not answer within %v", v.to.Host, v.limit)
		c.Advice = "curl -i http://127.0.0.1:8888" + echoPath + "   # on the server: 426 means that throng is well, and the proxy is not"
	case errors.Is(err, errSpeaksTLS):
		c.Found = v.to.Host + " speaks TLS"
		c.Advice = "throng doctor --url wss://" + v.to.Host + strings.TrimSuffix(v.to.Path, echoPath)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), isReset(err):
		c.Found = v.to.Host + " hangs up without an answer"
		c.Advice = "# a proxy that passes on TCP finds nobody behind it, or this port is not HTTP: see its log"
	default:
		c.Found = v.to.Host + " does not answer in HTTP: " + clean(err.Error())
		c.Advice = "ss -ltnp   # on the server: who listens on this port"
	}
	return c
}

var errSpeaksTLS = errors.New("TLS")

// ask sends the opening handshake (RFC 6455 section 4.1) and reads the answer. No Origin is sent when it is empty.
func (t *talk) ask(to *url.URL, origin string) (answer, error) {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails
	key := base64.StdEncoding.EncodeToString(nonce[:])
	if origin != "" {
		origin = "Origin: " + origin + "\r\n"
	}
	_, err := fmt.Fprintf(t.conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\nUser-Agent: throng-doctor\r\n%s\r\n",
		to.RequestURI(), to.Host, key, origin)
	if err != nil {
		return answer{}, err
	}
	t.limit.N = answerBytes
	// A TLS alert: content type 21, version 3.x (RFC 8446 section 5.1).
	if start, err := t.in.Peek(2); err == nil && start[0] == 21 && start[1] == 3 {
		return answer{}, errSpeaksTLS
	}
	response, err := http.ReadResponse(t.in, nil)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	a := answer{status: response.StatusCode, header: response.Header}
	if a.status != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(io.LimitReader(response.Body, 512))
		a.body = clean(string(body))
		return a, nil
	}
	t.limit.N = talkBytes
	// RFC 6455 section 4.2.2, item 5.4.
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	a.upgraded = httpguts.HeaderValuesContainsToken(a.header["Upgrade"], "websocket") &&
		httpguts.HeaderValuesContainsToken(a.header["Connection"], "upgrade") &&
		a.header.Get("Sec-WebSocket-Accept") == base64.StdEncoding.EncodeToString(sum[:])
	return a, nil
}

// talk is a connection to a server, bounded in bytes by limit and in time by within.
type talk struct {
	conn  net.Conn
	limit *io.LimitedReader
	in    *bufio.Reader
}

func newTalk(conn net.Conn) *talk {
	limit := &io.LimitedReader{R: conn, N: answerBytes}
	return &talk{conn: conn, limit: limit, in: bufio.NewReader(limit)}
}

// within does something on the connection that fails with [os.ErrDeadlineExceeded] after so long, and when ctx ends.
func (t *talk) within(ctx context.Context, long time.Duration, do func()) {
	ctx, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	cut := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = t.conn.SetDeadline(time.Unix(1, 0))
		close(cut)
	})
	do()
	if !stop() {
		<-cut
	}
	_ = t.conn.SetDeadline(time.Time{})
}
