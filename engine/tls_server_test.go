package engine

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// overTLS are the tests that must hold whatever is between the socket and the frames.
var overTLS = map[string]func(*testing.T){
	"BigMessage": TestBigMessage, "ManyFragments": TestManyFragments, "TooBigOnASocket": TestTooBigOnASocket,
	"Full": TestFull, "TooManyFromOneAddress": TestTooManyFromOneAddress, "RefusedAddressIsForgotten": TestRefusedAddressIsForgotten,
	"Draining": TestDraining, "SlowHead": TestSlowHead, "AcceptIsAsked": TestAcceptIsAsked, "Pages": TestPages, "ManyPages": TestManyPages,
	"Eager": TestEager, "EagerBehindAPage": TestEagerBehindAPage, "AnswerComesFirst": TestAnswerComesFirst,
	"CompressionIsNegotiated": TestCompressionIsNegotiated,
	"BadRequests":             TestBadRequests, "GoodRequests": TestGoodRequests,
	"Shutdown": TestShutdown, "ShutdownCutsOff": TestShutdownCutsOff, "ShutdownMeetsNewcomer": TestShutdownMeetsNewcomer,
	"ShutdownBesideSilence": TestShutdownBesideSilence,
	"KeepAlive":             TestKeepAlive, "Silence": TestSilence, "Trickle": TestTrickle, "PeerVanishes": TestPeerVanishes,
	"PeerVanishesAtOnce": TestPeerVanishesAtOnce, "CloseHandshake": TestCloseHandshake, "FailureOnASocket": TestFailureOnASocket,

	"TooSlow": TestTooSlow, "TooSlowInsideAFrame": TestTooSlowInsideAFrame, "ClosedOnce": TestClosedOnce,
	"ClosedOnceAtOnce": TestClosedOnceAtOnce, "ClosedInOpen": TestClosedInOpen, "Panic": TestPanic, "CloseReason": TestCloseReason,
	"SlowlyToTheEnd": TestSlowlyToTheEnd, "ControlFrames": TestControlFrames, "CloseWithoutCode": TestCloseWithoutCode,
	"TCPEnds": TestTCPEnds, "TCPEndsSoonAfterAFailure": TestTCPEndsSoonAfterAFailure,
	"TCPEndsWithoutAnAnswer": TestTCPEndsWithoutAnAnswer, "PingFlood": TestPingFlood, "PingsNobodyReads": TestPingsNobodyReads,
	"CompressedFrames": TestCompressedFrames, "Bomb": TestBomb, "Flush": TestFlush, "Lost": TestLost, "Crowd": TestCrowd,
	"CrowdInterrupted": TestCrowdInterrupted, "CrowdTooSlow": TestCrowdTooSlow, "Frames": TestFrames, "TextFrames": TestTextFrames,
	"SlowUpload": TestSlowUpload, "NothingIsInherited": TestNothingIsInherited,
}

// many are those of them that shake many hands; they run over one version.
var many = map[string]bool{"TextFrames": true, "ClosedOnce": true, "ClosedOnceAtOnce": true, "PeerVanishesAtOnce": true, "Bomb": true}

// versions of TLS that are spoken, by their names in the tests'.
var versions = map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

// TestOverTLS runs them over both versions of TLS: serve, dial and connect see by the test's name what they are to do.
func TestOverTLS(t *testing.T) {
	for version := range versions {
		t.Run(version, func(t *testing.T) {
			for name, test := range overTLS {
				if version == "1.3" || !many[name] {
					t.Run(name, test)
				}
			}
		})
	}
}

// tlsOf is the version of TLS that a test is about; 0: plain.
func tlsOf(t testing.TB) uint16 {
	_, rest, found := strings.Cut(t.Name(), "TLS/")
	if !found {
		return 0
	}
	version, _, _ := strings.Cut(rest, "/")
	return versions[version]
}

// testCert is a certificate for throng.test, and who trusts it.
var testCert = sync.OnceValues(func() (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"throng.test"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		panic(err)
	}
	about, err = x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(about)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
})

// serverTLS and clientTLS are the two ends' configurations.
func serverTLS() *tls.Config {
	cert, _ := testCert()
	return &tls.Config{Certificates: []tls.Certificate{cert}}
}

func clientTLS(version uint16) *tls.Config {
	_, trusted := testCert()
	return &tls.Config{RootCAs: trusted, ServerName: "throng.test", MinVersion: version, MaxVersion: version,
		NextProtos: []string{protocol}, DynamicRecordSizingDisabled: true}
}

// tcp is the socket below a client.
func (c *client) tcp() *net.TCPConn {
	if s, ok := c.Conn.(*tls.Conn); ok {
		return s.NetConn().(*net.TCPConn)
	}
	return c.Conn.(*net.TCPConn)
}

// peer is the far end of a connection over memory that speaks TLS.
type peer struct {
	tls   *tls.Conn
	below *end
	text  []byte // what it has decrypted
	ended error  // what its last read has given, but for what would block
}

// end is an end of a wire in memory: while it rings, reads wait for the other's writes; afterwards they take from in, and
// writes go to out.
type end struct {
	net.Conn
	from, to chan []byte
	live     bool
	in, out  []byte
}

func (e *end) Read(b []byte) (int, error) {
	if len(e.in) == 0 && !e.live {
		e.in = <-e.from
	}
	if len(e.in) == 0 {
		return 0, errWait
	}
	n := copy(b, e.in)
	e.in = e.in[n:]
	return n, nil
}

func (e *end) Write(b []byte) (int, error) {
	if e.live {
		e.out = append(e.out, b...)
	} else {
		e.to <- append([]byte(nil), b...)
	}
	return len(b), nil
}

func (*end) CloseWrite() error                { return nil }
func (*end) Close() error                     { return nil }
func (*end) SetWriteDeadline(time.Time) error { return nil }

// speak agrees on TLS between a connection and its new peer.
func speak(t testing.TB, c *Conn, version uint16) *peer {
	t.Helper()
	there, back := make(chan []byte, 64), make(chan []byte, 64)
	p := &peer{below: &end{from: back, to: there}}
	p.tls = tls.Client(p.below, clientTLS(version))
	c.secure = newSecure(&end{from: there, to: back}, secureConfig(serverTLS()))
	agreed := make(chan error, 1)
	go func() { agreed <- c.secure.Handshake() }()
	if err := p.tls.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-agreed; err != nil {
		t.Fatal(err)
	}
	c.secure.conn, c.secure.door, c.secure.spent = c, nil, c.secure.read.whole()
	close(back)
	p.below.live = true
	for b := range back {
		p.below.in = append(p.below.in, b...) // tickets
	}
	return p
}

// hear decrypts what has left the server since.
func (p *peer) hear(b []byte) {
	p.below.in = append(p.below.in, b...)
	room := make([]byte, maxRecord)
	for p.ended == nil {
		n, err := p.tls.Read(room)
		p.text = append(p.text, room[:n]...)
		if err == errWait {
			return
		}
		p.ended = err
	}
}

// seal is what the peer sends when it says b.
func (p *peer) seal(b []byte) []byte {
	p.below.out = nil
	if _, err := p.tls.Write(b); err != nil {
		panic(err)
	}
	return p.below.out
}

// arrive is bytes of the peer's that come to the loop, through TLS if there is any, in pieces of about size bytes; 0: whole.
func (c *Conn) arrive(b []byte) {
	m := c.sock.(*memory)
	if m.peer != nil {
		b = m.peer.seal(b)
	}
	c.receive(b)
}
