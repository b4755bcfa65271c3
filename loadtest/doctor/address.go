package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// echoPath is the server's echo socket.
const echoPath = "/conn_ws"

// parseURL makes the URL of the echo socket from the server's.
func parseURL(raw string) (*url.URL, error) {
	if !strings.Contains(raw, "://") {
		raw = "ws://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, err
	}
	switch u.Scheme {
	case "ws", "wss":
	case "http", "https":
		u.Scheme = "ws" + strings.TrimPrefix(u.Scheme, "http")
	default:
		return nil, fmt.Errorf("%q is not the address of a chat server", raw)
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("%q names no host", raw)
	}
	u = &url.URL{Scheme: u.Scheme, Host: u.Host, Path: cmp.Or(u.Path, "/"), RawPath: u.RawPath}
	if strings.HasSuffix(u.Path, echoPath) {
		return u, nil
	}
	return u.JoinPath(echoPath), nil
}

// connect connects, with TLS for wss, and notes the checks of it. It returns nil when that failed.
func (v *visit) connect(ctx context.Context) net.Conn {
	port := v.to.Port()
	if port == "" {
		port = map[string]string{"ws": "80", "wss": "443"}[v.to.Scheme]
	}
	start := time.Now()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(v.to.Hostname(), port))
	if err != nil {
		v.checks = append(v.checks, v.unreachable(err, port))
		return nil
	}
	took := time.Since(start).Round(10 * time.Microsecond)
	found := fmt.Sprintf("connected to %s in %v", conn.RemoteAddr(), took)
	if conn.RemoteAddr().String() != v.to.Host {
		found = v.to.Host + ": " + found
	}
	v.checks = append(v.checks, Check{Name: "address", Found: found})
	if v.to.Scheme == "ws" {
		return conn
	}
	secure := tls.Client(conn, &tls.Config{ServerName: v.to.Hostname(), RootCAs: v.roots, NextProtos: []string{"http/1.1"}})
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		v.checks = append(v.checks, v.insecure(err))
		return nil
	}
	v.checks = append(v.checks, certificate(secure.ConnectionState(), time.Now()))
	return secure
}

// unreachable is the check of an address to which no connection came about.
func (v *visit) unreachable(err error, port string) Check {
	c := Check{Name: "address", Level: Fail, Found: clean(err.Error())}
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		c.Advice = "getent hosts " + quoted(v.to.Hostname()) + "   # the name must be in DNS or /etc/hosts"
	case errors.Is(err, syscall.ECONNREFUSED):
		c.Advice = "ss -ltn 'sport = :" + port + "'   # on the server: nobody listens there, or on another address only"
	case errors.Is(err, context.DeadlineExceeded):
		c.Found = fmt.Sprintf("%s: no connection within %v", v.to.Host, v.limit)
		c.Advice = "# a firewall drops packets to port " + port + ", or the address is wrong"
	default:
		c.Advice = "ip route get " + quoted(v.to.Hostname())
	}
	return c
}

// insecure is the check of a TLS handshake that failed.
func (v *visit) insecure(err error) Check {
	c := Check{Name: "tls", Level: Fail, Found: clean(err.Error())}
	host := v.to.Host
	if v.to.Port() == "" {
		host += ":443"
	}
	show := "openssl s_client -connect " + quoted(host) + " -servername " + quoted(v.to.Hostname()) + " </dev/null"
	var (
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		record  tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &unknown):
		c.Advice = lines(show+"   # the server must send the whole chain (fullchain.pem, not cert.pem)",
			"update-ca-certificates   # or, for an authority of your own: its certificate goes to /usr/local/share/ca-certificates/ first")
	case errors.As(err, &name):
		c.Advice = show + "   # get a certificate for " + v.to.Hostname() + ", or use the name that is in it"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		c.Advice = "certbot renew   # or whatever renews it; and is the clock of this machine right?"
	case errors.As(err, &record):
		c.Found = v.to.Host + " does not speak TLS"
		c.Advice = "throng doctor --url ws://" + v.to.Host + strings.TrimSuffix(v.to.Path, echoPath)
	case errors.Is(err, context.DeadlineExceeded):
		c.Found = fmt.Sprintf("%s: no TLS handshake within %v", v.to.Host, v.limit)
		c.Advice = show
	default:
		c.Advice = show
	}
	return c
}

// certificate is the check of a TLS connection that came about.
func certificate(state tls.ConnectionState, now time.Time) Check {
	leaf := state.PeerCertificates[0]
	c := Check{Name: "tls"}
	c.Found = fmt.Sprintf("%s, certificate until %s", tls.VersionName(state.Version), leaf.NotAfter.Format(time.DateOnly))
	if left := leaf.NotAfter.Sub(now); left < 7*24*time.Hour {
		c.Level = Warn
		c.Found += ", which is soon"
		c.Advice = "certbot renew   # or whatever renews it"
	}
	return c
}

func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
