package engine

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"net"
	"strings"
	"testing"
)

// Types of record and of message in the handshake (RFC 8446, appendix B).
const (
	recordAlert     = 21
	recordHandshake = 22
	recordData      = 23
	keyUpdate       = 24
)

// forger is a client that has agreed on TLS by the book and writes its records by hand from then on.
type forger struct {
	*client
	version uint16
	aead    cipher.AEAD
	iv      []byte
	seq     uint64
	traffic []byte // the secret of 1.3
}

// tap remembers the beginning of what is read.
type tap struct {
	net.Conn
	seen []byte
}

func (t *tap) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	if len(t.seen) < 100 {
		t.seen = append(t.seen, b[:n]...)
	}
	return n, err
}

// forge opens a connection to s whose records are ours to make.
func (s *server) forge(version uint16) *forger {
	s.t.Helper()
	var secrets bytes.Buffer
	config := clientTLS(version)
	config.KeyLogWriter = &secrets
	config.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256} // of 1.2
	c := connectTo(s.t, s.addr)
	wire := &tap{Conn: c.Conn}
	f := &forger{client: c, version: version}
	c.Conn = wire
	c.encrypt(config)
	conn := c.Conn.(*tls.Conn)
	if err := conn.Handshake(); err != nil {
		s.t.Fatal(err)
	}
	key, seq := []byte(nil), uint64(0)
	if version == tls.VersionTLS13 {
		if suite := conn.ConnectionState().CipherSuite; suite != tls.TLS_AES_128_GCM_SHA256 {
			s.t.Skip("this processor has another cipher suite: ", tls.CipherSuiteName(suite))
		}
		secret := keyLogged(s.t, secrets.String(), "CLIENT_TRAFFIC_SECRET_0")
		f.traffic = secret
		key, f.iv = expandLabel(secret, "key", 16), expandLabel(secret, "iv", 12)
	} else {
		line := strings.Fields(secrets.String()) // CLIENT_RANDOM, the random, the master secret
		clientRandom, _ := hex.DecodeString(line[1])
		master, _ := hex.DecodeString(line[2])
		serverRandom := wire.seen[5+4+2:][:32] // behind the heads of record and message and the version
		block := prf(master, append(append([]byte("key expansion"), serverRandom...), clientRandom...), 40)
		key, f.iv, seq = block[:16], block[32:36], 1 // Finished was 0
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		s.t.Fatal(err)
	}
	if f.aead, err = cipher.NewGCM(block); err != nil {
		s.t.Fatal(err)
	}
	f.seq = seq
	return f
}

// keyLogged is a secret of a key log.
func keyLogged(t testing.TB, log, label string) []byte {
	for line := range strings.Lines(log) {
		if parts := strings.Fields(line); parts[0] == label {
			secret, err := hex.DecodeString(parts[2])
			if err != nil {
				t.Fatal(err)
			}
			return secret
		}
	}
	t.Fatal("no secret ", label)
	return nil
}

// expandLabel is HKDF-Expand-Label without a context (RFC 8446 section 7.1).
func expandLabel(secret []byte, label string, length int) []byte {
	label = "tls13 " + label
	info := append([]byte{0, byte(length), byte(len(label))}, label...)
	out, err := hkdf.Expand(sha256.New, secret, string(append(info, 0)), length)
	if err != nil {
		panic(err)
	}
	return out
}

// prf is P_SHA256 (RFC 5246 section 5).
func prf(secret, seed []byte, length int) (out []byte) {
	mac := func(b ...[]byte) []byte {
		h := hmac.New(sha256.New, secret)
		for _, part := range b {
			h.Write(part)
		}
		return h.Sum(nil)
	}
	for a := mac(seed); len(out) < length; a = mac(a) {
		out = append(out, mac(a, seed)...)
	}
	return out[:length]
}

// record is a record of a kind that holds a payload.
func (f *forger) record(kind byte, payload []byte) []byte {
	seq := binary.BigEndian.AppendUint64(nil, f.seq)
	f.seq++
	if f.version == tls.VersionTLS13 {
		nonce := bytes.Clone(f.iv)
		for i, b := range seq {
			nonce[4+i] ^= b
		}
		inner := append(bytes.Clone(payload), kind)
		head := binary.BigEndian.AppendUint16([]byte{recordData, 3, 3}, uint16(len(inner)+f.aead.Overhead()))
		return f.aead.Seal(head, nonce, inner, head)
	}
	head := binary.BigEndian.AppendUint16([]byte{kind, 3, 3}, uint16(8+len(payload)+f.aead.Overhead()))
	about := binary.BigEndian.AppendUint16(append(bytes.Clone(seq), kind, 3, 3), uint16(len(payload)))
	return f.aead.Seal(append(head, seq...), append(bytes.Clone(f.iv), seq...), payload, about)
}

// update is a record that asks for new keys and brings the sender's into force (RFC 8446 section 4.6.3).
func (f *forger) update(answer bool) (record []byte) {
	want := byte(0)
	if answer {
		want = 1
	}
	record = f.record(recordHandshake, []byte{keyUpdate, 0, 0, 1, want})
	f.traffic = expandLabel(f.traffic, "traffic upd", 32)
	block, err := aes.NewCipher(expandLabel(f.traffic, "key", 16))
	if err != nil {
		panic(err)
	}
	if f.aead, err = cipher.NewGCM(block); err != nil {
		panic(err)
	}
	f.iv, f.seq = expandLabel(f.traffic, "iv", 12), 0
	return record
}

// raw is the socket below.
func (f *forger) raw() net.Conn { return f.Conn.(*tls.Conn).NetConn() }

// send writes bytes past TLS.
func (f *forger) send(records ...[]byte) {
	f.t.Helper()
	if _, err := f.raw().Write(bytes.Join(records, nil)); err != nil {
		f.t.Fatal("write:", err)
	}
}

// joinByHand asks for a WebSocket.
func (f *forger) joinByHand() {
	f.t.Helper()
	f.send(f.record(recordData, []byte(handshake("/ws"))))
	if r, body := f.answer(); r.StatusCode != 101 {
		f.t.Fatalf("answer %s %q, want 101", r.Status, body)
	}
}
