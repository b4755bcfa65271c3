package loadtest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// Config says how a [Swarm] works. Callbacks run on a user's loop: they must not block, and may call
// the methods of users.
type Config struct {
	// Addr is the server's HOST:PORT.
	Addr string
	// TLS is set for wss. Nil: plain ws.
	TLS *TLS
	// Sources are the local addresses, taken in turn. None: 32 addresses from 127.0.0.2 on towards
	// a server on 127.0.0.0/8, else what the routing table chooses.
	Sources []netip.Addr
	// Loops is the number of event loops, each a thread; 0 means 1. One makes about 300,000
	// reads a second.
	Loops int
	// Rest is how long a loop sleeps after each turn, so that more lies ready at the next and the
	// server is not made to wake the client for every write. It adds to latency. 0 means none.
	Rest time.Duration
	// Subprotocols are offered in this order of preference (RFC 6455, 1.9), at most 255. The server may
	// choose one of them or none: see [User.Subprotocol].
	Subprotocols []string
	// Header is added to each request, for example Authorization. It cannot hold what the handshake
	// itself sets: Host, Connection, Upgrade and Sec-WebSocket-*.
	Header http.Header
	// ReceiveBuffer is the size of a socket's receive buffer in bytes (SO_RCVBUF in socket(7), which
	// doubles it for its own needs). 0 leaves it to the kernel, which lets it grow to megabytes for a
	// user who does not read.
	ReceiveBuffer int
	// OnMessage gets each text or binary message. At is when it was read, on the clock of [Now].
	// The payload is the loop's buffer: it is valid until the callback returns. Without OnMessage
	// payloads are skipped and only counted.
	OnMessage func(u *User, at int64, payload []byte)
	// OnClose is told once of each connected user whose socket has ended, and why: a [*CloseError],
	// io.EOF, [ErrClosed] after [Swarm.Close], or an error of the socket or the stream. It may come
	// before Connect has returned the user, and never comes for a user whom Connect did not return.
	OnClose func(u *User, err error)
	// OnStall is told of a time in which a loop did nothing though it had work, on the clock of [Now]:
	// see [Swarm.Stalled]. It comes before any message that was read after the stall, on the goroutine
	// of the loop that stalled, so that with one loop no two callbacks run at a time.
	OnStall func(from, to int64)
}

// TLS says how a server is trusted. The zero value trusts what the system trusts.
type TLS struct {
	// CA holds, in PEM, the certificates to trust instead of the system's. Empty: the system's.
	CA []byte
	// Insecure takes any certificate. Whoever sits between can then read and change all traffic.
	Insecure bool
	// ServerName is the name that is asked for and that the certificate must hold. Empty: the host of
	// [Config.Addr].
	ServerName string
}

// config is what crypto/tls makes of it.
func (t *TLS) config(addr string) (*tls.Config, error) {
	conf := &tls.Config{
		ServerName: t.ServerName, InsecureSkipVerify: t.Insecure,
		// A user who returns starts anew, as another user would; and no tickets are kept.
		SessionTicketsDisabled: true,
		// A frame is one write to the socket, not one for every 1,200 bytes.
		DynamicRecordSizingDisabled: true,
	}
	if conf.ServerName == "" {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, fmt.Errorf("loadtest: %w", err)
		}
		conf.ServerName = host
	}
	if len(t.CA) > 0 {
		if conf.RootCAs = x509.NewCertPool(); !conf.RootCAs.AppendCertsFromPEM(t.CA) {
			return nil, errors.New("loadtest: the CA holds no PEM certificate")
		}
	}
	return conf, nil
}

// Option is what one user wants apart from the swarm's [Config].
type Option func(*options)

type options struct {
	addr    string
	header  http.Header
	receive int
}

// WithAddr connects one user to another server than [Config.Addr], by its HOST:PORT. A name is looked up once.
func WithAddr(addr string) Option { return func(o *options) { o.addr = addr } }

// WithHeader adds to the request of one user, under the rules of [Config.Header].
func WithHeader(h http.Header) Option { return func(o *options) { o.header = h } }

// WithReceiveBuffer replaces [Config.ReceiveBuffer] for one user.
func WithReceiveBuffer(bytes int) Option { return func(o *options) { o.receive = bytes } }

// check finds what no server could be asked.
func (c *Config) check() error {
	if len(c.Subprotocols) > 255 {
		return errors.New("loadtest: more than 255 subprotocols")
	}
	for i, name := range c.Subprotocols {
		// RFC 6455, 4.1, item 10 of the request.
		if !httpguts.ValidHeaderFieldName(name) || slices.Contains(c.Subprotocols[:i], name) {
			return fmt.Errorf("loadtest: subprotocol %q is not a token or stands twice", name)
		}
	}
	return checkHeader(c.Header)
}

// checkHeader allows what does not break the request.
func checkHeader(h http.Header) error {
	for name, values := range h {
		switch canonical := http.CanonicalHeaderKey(name); {
		case !httpguts.ValidHeaderFieldName(name):
			return fmt.Errorf("loadtest: header name %q", name)
		case canonical == "Host", canonical == "Connection", canonical == "Upgrade",
			strings.HasPrefix(canonical, "Sec-Websocket-"):
			return fmt.Errorf("loadtest: header %s is the handshake's own", name)
		}
		if slices.ContainsFunc(values, func(v string) bool { return !httpguts.ValidHeaderFieldValue(v) }) {
			return fmt.Errorf("loadtest: header %s holds a value with control characters", name)
		}
	}
	return nil
}
