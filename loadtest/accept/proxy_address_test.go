package accept

import (
	"net/http"
	"path/filepath"
	"testing"
)

// TestAbuseProxyAddress has the server see who asks, and not the proxy: the limit of connections is one address's, and what a client
// claims of its address is not believed.
func TestAbuseProxyAddress(t *testing.T) {
	inEachProxy(t, func(t *testing.T, kind proxyKind) {
		n := kind.single(t, "--max-conns-per-ip", "2")
		p := kind.start(t, n, n)
		for _, source := range []string{"127.0.0.7", "127.0.0.8"} {
			for range 2 {
				p.enter("ws", source, "/conn_ws", "")
			}
			for _, claim := range []string{"", "X-Forwarded-For: 192.0.2.1\r\n", "X-Real-IP: 192.0.2.1\r\nForwarded: for=192.0.2.1\r\n"} {
				if who, answer := p.call("wss", source, "/conn_ws", claim); who != nil || answer.StatusCode != http.StatusTooManyRequests {
					t.Errorf("the third of %s that says %q gets %s", source, claim, answer.Status)
				}
			}
		}
	})
}

// TestProxyPassed has TLS go through a proxy as it is, to a server that has the certificate; the server sees who asks.
func TestProxyPassed(t *testing.T) {
	for _, kind := range []proxyKind{nginxStream, haproxy} {
		t.Run(kind.name, func(t *testing.T) {
			kind.find(t)
			dir := proxyDir(t)
			trust := selfSigned(t, dir)
			n := kind.single(t, "--max-conns-per-ip", "2", "--tls-cert", filepath.Join(dir, "throng.crt"), "--tls-key", filepath.Join(dir, "throng.key"))
			p := kind.start(t, n, n)
			p.secret, p.trust = p.passed, trust // the server's certificate, and not the proxy's own
			for _, source := range []string{"127.0.0.7", "127.0.0.8"} {
				for range 2 {
					e := p.enter("wss", source, "/conn_ws", "")
					e.say("hi")
					if _, got, err := e.frame(); err != nil || got != "hi" {
						t.Fatalf("%q, %v", got, err)
					}
				}
				if who, answer := p.call("wss", source, "/conn_ws", ""); who != nil || answer.StatusCode != http.StatusTooManyRequests {
					t.Errorf("the third of %s gets %s", source, answer.Status)
				}
			}
		})
	}
}
