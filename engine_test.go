package main

// Acceptance: the real server on a free port of loopback, seen byte by byte through real sockets.

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"go.uber.org/goleak"

	"throng/deploy/command"
	"throng/deploy/config"
	"throng/deploy/server"
	"throng/loadtest"
)

// workshop is where program builds; TestMain takes it away.
var workshop string

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if workshop != "" {
			_ = os.RemoveAll(workshop)
		}
		os.Exit(code)
	}))
}

// patience is how long a test waits for what must come. It is no measure of speed.
const patience = 30 * time.Second

// apart keeps a test's server from everything but loopback.
var apart = []string{"--addr", "127.0.0.1:0", "--admin", "off", "--data", "mem", "--rate", "0"}

// house is a server in this process.
type house struct {
	server *server.Server
	addr   string
	halt   func() // stops it, once; all must be let go in order
}

// boot starts a server without a rate limit unless args say so. It is stopped with the test at the latest.
func boot(t *testing.T, args ...string) *house {
	t.Helper()
	var settings config.Serve
	if _, err := config.Parse(&settings, slices.Concat(apart, args, tlsArgs(t)), nil); err != nil {
		t.Fatal(err)
	}
	s, err := server.Start(settings, server.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{server: s, addr: s.Addr().String()}
	if isOverTLS(t) {
		encrypted.Store(h.addr, true)
	}
	h.halt = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error("stop:", err)
		}
		encrypted.Delete(h.addr) // a server without TLS may have this port next
	})
	t.Cleanup(h.halt)
	return h
}

// encrypted holds the addresses of servers that speak TLS, which call then does too.
var encrypted sync.Map

// TestOverTLS is what matters most of the others, over TLS: by the test's name a server knows that it is to be.
func TestOverTLS(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"Messages": TestTutorialMessages, "Rate": TestTutorialRate, "Ping": TestTutorialPing,
		"Order": TestTutorialOrder, "Echo": TestTutorialEcho, "Origin": TestTutorialOrigin, "Handshake": TestTutorialHandshake,
		"Stop": TestTutorialStop, "Full": TestTutorialFull, "AbuseOfFrames": TestAbuseOfFrames, "AbuseAfterClose": TestAbuseAfterClose,
	} {
		t.Run(name, test)
	}
}

func isOverTLS(t *testing.T) bool { return strings.HasPrefix(t.Name(), "TestOverTLS/") }

// tlsArgs has a server speak TLS, if it is to.
func tlsArgs(t *testing.T) []string {
	t.Helper()
	if !isOverTLS(t) {
		return nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "both.pem")
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"--tls-cert", path, "--tls-key", path}
}

// client is one end of a WebSocket connection. One goroutine at a time may read, one may write.
type client struct {
	conn net.Conn
	in   *bufio.Reader
}

// opening is the handshake of RFC 6455 section 1.3, and welcome the answer to it.
const (
	opening = "GET %s HTTP/1.1\r\nHost: throng\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n"
	welcome = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)

// call connects to a server from a source address, "" for any, and sends it some bytes.
func call(addr, source, text string) (*client, error) {
	dialer := net.Dialer{Timeout: patience}
	if source != "" {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(source), 0))
	}
	conn, err := dialer.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(2 * patience))
	if _, is := encrypted.Load(addr); is {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	}
	c := &client{conn, bufio.NewReader(conn)}
	if _, err := io.WriteString(conn, text); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

// knock asks for a WebSocket; headers are whole lines. It returns the answer, with its body read.
func knock(addr, path, headers string) (*client, *http.Response, error) {
	return ask(addr, fmt.Sprintf(opening, path, headers))
}

// ask sends a request as it stands.
func ask(addr, request string) (*client, *http.Response, error) {
	c, err := call(addr, "", request)
	if err != nil {
		return nil, nil, err
	}
	answer, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.conn.Close()
		return nil, nil, err
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		text, _ := io.ReadAll(answer.Body)
		answer.Body = io.NopCloser(bytes.NewReader(text))
		c.conn.Close()
	}
	return c, answer, nil
}

// connect opens a WebSocket that is closed with the test.
func connect(t testing.TB, addr, path string) *client {
	t.Helper()
	c, answer, err := knock(addr, path, "")
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%s: %s", path, answer.Status)
	}
	t.Cleanup(func() { c.conn.Close() })
	return c
}

// enter brings somebody into the chat.
func enter(t testing.TB, addr, nick string) *client {
	t.Helper()
	return connect(t, addr, "/conn/ws/"+url.PathEscape(nick))
}

// reenter tries until the nick is free.
func reenter(t testing.TB, addr, nick string) *client {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		c, answer, err := knock(addr, "/conn/ws/"+nick, "")
		if err == nil && answer.StatusCode == http.StatusSwitchingProtocols {
			t.Cleanup(func() { c.conn.Close() })
			return c
		}
	}
	t.Fatalf("%s does not come in again", nick)
	return nil
}

// masked is a frame as clients send it, plain as servers do.
func masked(op ws.OpCode, fin bool, payload string) []byte {
	return ws.MustCompileFrame(ws.MaskFrame(ws.NewFrame(op, fin, []byte(payload))))
}

func plain(op ws.OpCode, payload string) []byte {
	return ws.MustCompileFrame(ws.NewFrame(op, true, []byte(payload)))
}

// message is what the server sends when somebody says something; said is its JSON.
func message(from, to, said string) []byte {
	return plain(ws.OpText, fmt.Sprintf(`{"from_user":%q,"to_user":%q,"message":%s}`, from, to, said))
}

// say sends a text message.
func (c *client) say(text string) { _, _ = c.conn.Write(masked(ws.OpText, true, text)) }

// next reads one frame and returns its bytes as they came.
func (c *client) next() (f ws.Frame, raw []byte, err error) {
	var read bytes.Buffer
	in := io.TeeReader(c.in, &read)
	if f.Header, err = ws.ReadHeader(in); err == nil && f.Header.Length > 1<<20 {
		err = fmt.Errorf("a frame of %d bytes", f.Header.Length)
	}
	if err != nil {
		return f, nil, err
	}
	f.Payload = make([]byte, f.Header.Length)
	_, err = io.ReadFull(in, f.Payload)
	return f, read.Bytes(), err
}

// expect reads frames, which must be exactly these bytes.
func (c *client) expect(t testing.TB, frames ...[]byte) {
	t.Helper()
	for _, want := range frames {
		if _, got, err := c.next(); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("got %.300q, %v; want %.300q", got, err, want)
		}
	}
}

// stay reads until the server ends the connection, answers its close frame, and returns the code; 0 when there was none,
// or no end. It returns the text messages that came before.
func (c *client) stay() (code uint16, texts []string) {
	for {
		f, _, err := c.next()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return 0, texts
		case err != nil:
			return code, texts
		case f.Header.OpCode == ws.OpClose && len(f.Payload) >= 2:
			code = binary.BigEndian.Uint16(f.Payload)
			_, _ = c.conn.Write(masked(ws.OpClose, true, string(f.Payload[:2])))
		case f.Header.OpCode == ws.OpText:
			texts = append(texts, string(f.Payload))
		}
	}
}

// expectClose reads until the connection ends, which must be with this code, and nothing but pongs before it.
func (c *client) expectClose(t testing.TB, want uint16) {
	t.Helper()
	if code, texts := c.stay(); code != want || len(texts) > 0 {
		t.Fatalf("closed with %d after %.300q, want %d after nothing", code, texts, want)
	}
}

// bye closes in order.
func (c *client) bye(t testing.TB) {
	t.Helper()
	_, _ = c.conn.Write(masked(ws.OpClose, true, "\x03\xe8"))
	c.expect(t, plain(ws.OpClose, "\x03\xe8"))
}

// converse lets two people talk to each other, one word after the other, until stop, which returns how many words went
// to and fro. Not one may be lost, however long the others take.
func converse(t testing.TB, a, b *client, nickA, nickB string) (stop func() int) {
	ended, done := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		defer func() { done <- n }()
		for ; ; n++ {
			select {
			case <-ended:
				return
			default:
			}
			_ = a.conn.SetDeadline(time.Now().Add(patience))
			_ = b.conn.SetDeadline(time.Now().Add(patience))
			a.say(fmt.Sprintf(`{"to_user":%q,"message":%d}`, nickB, n))
			_, heard, err := b.next()
			b.say(fmt.Sprintf(`{"to_user":%q,"message":%d}`, nickA, n))
			_, answered, err2 := a.next()
			if !bytes.Equal(heard, message(nickA, nickB, strconv.Itoa(n))) || !bytes.Equal(answered, message(nickB, nickA, strconv.Itoa(n))) {
				t.Errorf("word %d: heard %q, %v, and was answered %q, %v", n, heard, err, answered, err2)
				return
			}
		}
	}()
	stop = sync.OnceValue(func() int { close(ended); return <-done })
	t.Cleanup(func() { stop() })
	return stop
}

func TestTutorialMessages(t *testing.T) {
	h := boot(t)
	const odd = `Ünï "q" 妹\`
	people := map[string]*client{"Alice": enter(t, h.addr, "Alice"), "bob": enter(t, h.addr, "bob"), odd: enter(t, h.addr, odd)}
	const everyone, notice = "", "notice"
	deep := strings.Repeat("[", 63) + strings.Repeat("]", 63)
	for _, row := range []struct{ name, frame, to, message string }{
		{"to everyone", `{"from_user":"alice","to_user":"","message":"hi"}`, everyone, `"hi"`},
		{"to_user absent", `{"from_user":"alice","message":"hi"}`, everyone, `"hi"`},
		{"to_user null", `{"from_user":"alice","to_user":null,"message":"hi"}`, everyone, `"hi"`},
		{"to one", `{"from_user":"Alice","to_user":"bob","message":"hi"}`, "bob", `"hi"`},
		{"to one in other letters", `{"to_user":"ＢOB","message":"hi"}`, "bob", `"hi"`},
		{"to one with an odd nick", `{"to_user":"üNÏ \"Q\" 妹\\","message":"hi"}`, odd, `"hi"`},
		{"to oneself", `{"to_user":"alice","message":"hi"}`, "Alice", `"hi"`},
		{"forged from_user", `{"from_user":"bob","to_user":"","message":"hi"}`, everyone, `"hi"`},
		{"from_user system", `{"from_user":"system","to_user":"bob","message":"hi"}`, "bob", `"hi"`},
		{"from_user of a wrong type", `{"from_user":[1,{}],"message":"hi"}`, everyone, `"hi"`},
		{"from_user absent", `{"message":"hi"}`, everyone, `"hi"`},
		{"unknown keys", `{"t":"msg","id":1,"message":"hi","x":{"message":2}}`, everyone, `"hi"`},
		{"null", `{"message":null}`, everyone, `null`},
		{"true", `{"message":true}`, everyone, `true`},
		{"false", `{"message":false}`, everyone, `false`},
		{"zero", `{"message":-0}`, everyone, `-0`},
		{"a number as it was written", `{"message":0.10}`, everyone, `0.10`},
		{"a number beyond a float", `{"message":1e400}`, everyone, `1e400`},
		{"a number beyond an integer", `{"message":123456789012345678901}`, everyone, `123456789012345678901`},
		{"empty text", `{"message":""}`, everyone, `""`},
		{"escapes as they were written", `{"message":"\u0041\/\u0000\ud83e\udd8a<&>"}`, everyone, `"\u0041\/\u0000\ud83e\udd8a<&>"`},
		{"Unicode as it was written", "{\"message\":\"é🦊\u2028\ufeff\"}", everyone, "\"é🦊\u2028\ufeff\""},
		{"spaces inside", " {\n\"message\" : [ 1 ,\t{ \"a\" : 2 } ] } \r\n", everyone, "[ 1 ,\t{ \"a\" : 2 } ]"},
		{"nested", `{"message":{"message":{"to_user":"bob"}}}`, everyone, `{"message":{"to_user":"bob"}}`},
		{"64 levels", `{"message":` + deep + `}`, everyone, deep},
		{"large", `{"message":"` + strings.Repeat("x", 60<<10) + `"}`, everyone, `"` + strings.Repeat("x", 60<<10) + `"`},
		{"no JSON", `hello`, notice, `"not valid JSON"`},
		{"empty", ``, notice, `"not valid JSON"`},
		{"half", `{"message":"hi"`, notice, `"not valid JSON"`},
		{"two in a frame", `{"message":1}{"message":2}`, notice, `"not valid JSON"`},
		{"array", `[{"message":"hi"}]`, notice, `"not a JSON object"`},
		{"null frame", `null`, notice, `"not a JSON object"`},
		{"to_user of a wrong type", `{"to_user":["bob"],"message":"hi"}`, notice, `"to_user must be a string or null"`},
		{"a key twice", `{"message":"hi","to_user":"bob","to_user":"bob"}`, notice, `"a JSON object has the same key twice"`},
		{"a key twice within", `{"message":[{"a":1,"a":1}]}`, notice, `"a JSON object has the same key twice"`},
		{"65 levels", `{"message":[` + deep + `]}`, notice, `"more than 64 levels of JSON"`},
		{"no message", `{"to_user":"bob"}`, notice, `"message is missing"`},
		{"unknown recipient", `{"to_user":"Nobody","message":"hi"}`, notice, `"Nobody is not here"`},
		{"recipient that cannot be", `{"to_user":"a/b","message":"hi"}`, notice, `"a/b is not here"`},
		{"the server as recipient", `{"to_user":"system","message":"hi"}`, notice, `"system is not here"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			people["Alice"].say(row.frame)
			switch row.to {
			case everyone:
				for _, c := range people {
					c.expect(t, message("Alice", "", row.message))
				}
			case notice:
				people["Alice"].expect(t, message("system", "Alice", row.message))
			default:
				people[row.to].expect(t, message("Alice", row.to, row.message))
			}
			// Nothing else came to anybody: the next that comes is the next that is said.
			people["Alice"].say(`{"message":"next"}`)
			for _, c := range people {
				c.expect(t, message("Alice", "", `"next"`))
			}
		})
	}
}

func TestTutorialNicks(t *testing.T) {
	h := boot(t)
	for path, shown := range map[string]string{
		"alice": "alice", "%41li%63e": "Alice", "AliCe": "AliCe", "%E5%A6%B9%E5%AD%90": "妹子", "妹": "妹", "a+b": "a+b",
		"%20big%20%20bob%20": "big bob", "%EF%BD%82ob": "bob", "e%CC%81": "é", "alice?x=y/z": "alice", "a%22b%5Cc": `a"b\c`,
		"%F0%9F%A6%8A": "🦊", strings.Repeat("%C3%A9", 32): strings.Repeat("é", 32),
	} {
		c := connect(t, h.addr, "/conn/ws/"+path)
		c.say(`{"message":1}`)
		c.expect(t, message(shown, "", "1"))
		c.bye(t)
	}
	for _, path := range []string{
		"", "%20", strings.Repeat("a", 65), strings.Repeat("%C3%A9", 33), "%ff", "a%C3", "%ED%A0%80", "%00", "a%0Ab", "%7F", "a%E2%80%AEb",
		"a%E2%81%A6b", "a%2Fb", "a/b", "a/", "%EF%BC%8F", "system", "SYSTEM", "%53ystem", "%EF%BD%93ystem", "%20system", "%zz", "%4",
	} {
		for _, upgrade := range []string{fmt.Sprintf(opening, "/conn/ws/"+path, ""), "GET /conn/ws/" + path + " HTTP/1.1\r\nHost: throng\r\n\r\n"} {
			if _, answer, err := ask(h.addr, upgrade); err != nil || answer.StatusCode != http.StatusBadRequest {
				t.Errorf("%q: %v, %v; want 400", path, answer, err)
			}
		}
	}
}

func TestTutorialNickInUse(t *testing.T) {
	h := boot(t)
	alice := enter(t, h.addr, "Alice")
	for _, path := range []string{"Alice", "alice", "%41LICE", "%EF%BD%81lice"} {
		if _, answer, err := knock(h.addr, "/conn/ws/"+path, ""); err != nil || answer.StatusCode != http.StatusConflict {
			t.Errorf("%s: %v, %v; want 409", path, answer, err)
		}
	}
	for range 100 { // free at once for whoever saw the server's close frame
		alice.bye(t)
		alice = enter(t, h.addr, "ALICE")
	}
	for _, linger := range []int{-1, 0} { // gone with FIN, gone with RST
		_ = alice.conn.(*net.TCPConn).SetLinger(linger)
		alice.conn.Close()
		alice = reenter(t, h.addr, "alice")
	}
	_, _ = alice.conn.Write(masked(ws.OpBinary, true, "x"))
	alice.expectClose(t, 1003)
	enter(t, h.addr, "alice").bye(t)
}

func TestTutorialRate(t *testing.T) {
	h := boot(t, "--rate", "0.001", "--burst", "3")
	alice, bob := enter(t, h.addr, "alice"), enter(t, h.addr, "bob")
	for range 3 {
		alice.say(`{"message":1}`)
		alice.expect(t, message("alice", "", "1"))
		bob.expect(t, message("alice", "", "1"))
	}
	for range 3 {
		alice.say(`{"message":2}`)
		alice.expect(t, message("system", "alice", `"slow down: too many messages a second; this one was not sent"`))
	}
	alice.say(`{"message":3}`)
	alice.expectClose(t, 4029)
	bob.say(`{"message":4}`)
	bob.expect(t, message("bob", "", "4"))
}

// Whoever is silent is pinged; whoever does not even answer that is let go.
func TestTutorialPing(t *testing.T) {
	h := boot(t, "--ping", "1s")
	alice, bob := enter(t, h.addr, "alice"), enter(t, h.addr, "bob")
	for range 3 { // longer than bob has
		alice.expect(t, plain(ws.OpPing, ""))
		_, _ = alice.conn.Write(masked(ws.OpPong, true, ""))
	}
	bob.expect(t, plain(ws.OpPing, ""))
	bob.expectClose(t, 1008)
}

// All read the same in the same order, and each speaker's words in the order of saying, however many speak at once.
func TestTutorialOrder(t *testing.T) {
	h := boot(t)
	const people, words = 6, 300
	var heard [people][]string
	var talking sync.WaitGroup
	all := make([]*client, people)
	for i := range all {
		all[i] = enter(t, h.addr, fmt.Sprint("p", i))
	}
	for i, c := range all {
		talking.Go(func() {
			for n := range words {
				c.say(fmt.Sprintf(`{"message":%d}`, n))
			}
		})
		talking.Go(func() {
			for range people * words {
				f, _, err := c.next()
				if err != nil {
					t.Errorf("p%d: %v after %d messages", i, err, len(heard[i]))
					return
				}
				heard[i] = append(heard[i], string(f.Payload))
			}
		})
	}
	talking.Wait()
	next := map[string]int{}
	for at, text := range heard[0] {
		for i := range heard {
			if len(heard[i]) <= at || heard[i][at] != text {
				t.Fatalf("message %d: p0 read %s, p%d %.1q", at, text, i, heard[i][at:])
			}
		}
		from := text[14:16]
		if want := fmt.Sprintf(`{"from_user":"%s","to_user":"","message":%d}`, from, next[from]); text != want {
			t.Fatalf("message %d: got %s, want %s", at, text, want)
		}
		next[from]++
	}
}

func TestTutorialEcho(t *testing.T) {
	h := boot(t, "--max-message", "1KiB", "--echo-max", "128KiB")
	c := connect(t, h.addr, "/conn_ws")
	for _, size := range []int{0, 1, 125, 126, 1 << 10, 1<<10 + 1, 1<<16 - 1, 1 << 16, 128 << 10} {
		for op, letter := range map[ws.OpCode]string{ws.OpText: "é", ws.OpBinary: "\x00\xff"} {
			payload := strings.Repeat(letter, size/2) + strings.Repeat("a", size%2)
			_, _ = c.conn.Write(masked(op, true, payload))
			c.expect(t, plain(op, payload))
		}
	}
	for _, part := range []struct {
		op   ws.OpCode
		text string
	}{{ws.OpText, "in "}, {ws.OpContinuation, ""}, {ws.OpContinuation, "piec"}} {
		_, _ = c.conn.Write(masked(part.op, false, part.text))
	}
	_, _ = c.conn.Write(masked(ws.OpPing, true, "ping"))
	c.expect(t, plain(ws.OpPong, "ping"))
	_, _ = c.conn.Write(masked(ws.OpContinuation, true, "es"))
	c.expect(t, plain(ws.OpText, "in pieces"))
	c.say(strings.Repeat("x", 128<<10+1))
	c.expectClose(t, 1009)
	alice := enter(t, h.addr, "alice") // chat keeps its own limit
	alice.say(`{"message":"` + strings.Repeat("x", 1<<10) + `"}`)
	alice.expectClose(t, 1009)
}

func TestTutorialEchoTurnedOff(t *testing.T) {
	h := boot(t, "--echo-max", "0")
	if _, answer, err := knock(h.addr, "/conn_ws", ""); err != nil || answer.StatusCode != http.StatusNotFound {
		t.Fatalf("%v, %v; want 404", answer, err)
	}
}

func TestTutorialOrigin(t *testing.T) {
	own := boot(t)
	named := boot(t, "--origin", "https://chat.example", "--origin", "http://localhost:3000")
	anyone := boot(t, "--origin", "*")
	for _, row := range []struct {
		origin             string
		own, named, anyone int
	}{
		{"http://throng", 101, 101, 101}, {"https://THRONG", 101, 101, 101}, {"http://throng:81", 403, 403, 101},
		{"https://chat.example", 403, 101, 101}, {"http://chat.example", 403, 403, 101}, {"http://localhost:3000", 403, 101, 101},
		{"https://chat.example.evil.example", 403, 403, 101}, {"http://evil.example/throng", 403, 403, 101}, {"null", 403, 403, 101},
	} {
		for h, want := range map[*house]int{own: row.own, named: row.named, anyone: row.anyone} {
			c, answer, err := knock(h.addr, "/conn/ws/alice", "Origin: "+row.origin+"\r\n")
			if err != nil || answer.StatusCode != want {
				t.Errorf("%s: %v, %v; want %d", row.origin, answer, err, want)
			} else if want == http.StatusSwitchingProtocols {
				c.bye(t)
			}
		}
	}
}

// A client that offers subprotocols that the server does not speak, or compression where it is off, is answered as any other.
func TestTutorialHandshake(t *testing.T) {
	h := boot(t)
	offers := "Sec-WebSocket-Protocol: chat, throng.v3.json\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
	c, err := call(h.addr, "", fmt.Sprintf(opening, "/conn/ws/alice", offers)+string(masked(ws.OpText, true, `{"message":"at once"}`)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.conn.Close()
	got := make([]byte, len(welcome))
	if _, err := io.ReadFull(c.in, got); err != nil || string(got) != welcome {
		t.Fatalf("got %q, %v; want %q", got, err, welcome)
	}
	c.expect(t, message("alice", "", `"at once"`))
}

// What was said before a stop is delivered, then everybody is let go with 4001. Newcomers are told when to come back.
func TestTutorialStop(t *testing.T) {
	h := boot(t)
	const words = 200
	alice, bob, idler := enter(t, h.addr, "alice"), enter(t, h.addr, "bob"), enter(t, h.addr, "idler")
	var want []string
	for i := range words {
		alice.say(fmt.Sprintf(`{"message":%d}`, i))
		want = append(want, fmt.Sprintf(`{"from_user":"alice","to_user":"","message":%d}`, i))
	}
	_, _ = alice.conn.Write(masked(ws.OpPing, true, "all said")) // its pong may overtake chat, and tells that all was taken
	var before []string
	for f, _, err := alice.next(); f.Header.OpCode != ws.OpPong; f, _, err = alice.next() {
		if err != nil {
			t.Fatal(err)
		}
		before = append(before, string(f.Payload))
	}
	stopping := make(chan struct{})
	go func() { defer close(stopping); h.halt() }()
	for status := 0; status != http.StatusServiceUnavailable; { // until it refuses newcomers
		c, answer, err := knock(h.addr, "/conn_ws", "")
		if err != nil {
			t.Fatal(err)
		}
		status = answer.StatusCode
		c.conn.Close()
	}
	_, answer, err := knock(h.addr, "/conn/ws/carol", "") // idler does not answer, so that the server is still there
	if err != nil || answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		t.Errorf("a newcomer got %v, %v; want 503 with Retry-After", answer, err)
	}
	for nick, c := range map[string]*client{"alice": alice, "bob": bob} {
		code, texts := c.stay()
		if nick == "alice" {
			texts = slices.Concat(before, texts)
		}
		if code != 4001 || !slices.Equal(texts, want) {
			t.Errorf("%s got %d messages and was closed with %d, want %d and 4001", nick, len(texts), code, words)
		}
	}
	if code, texts := idler.stay(); code != 4001 || !slices.Equal(texts, want) {
		t.Errorf("the idler got %d messages and was closed with %d, want %d and 4001", len(texts), code, words)
	}
	<-stopping
	if _, err := call(h.addr, "", ""); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("after the stop: %v, want connection refused", err)
	}
}

// Whoever comes while the server stops is refused, or let go like everybody: nobody is forgotten.
func TestTutorialStopDuringRush(t *testing.T) {
	for range 3 {
		h := boot(t)
		var rush sync.WaitGroup
		var stopped atomic.Bool
		came := make(chan struct{}, 1<<20)
		for i := range 8 {
			rush.Go(func() {
				for j := 0; !stopped.Load(); j++ {
					c, answer, err := knock(h.addr, fmt.Sprintf("/conn/ws/u%d-%d", i, j), "")
					switch {
					case err != nil: // cut off with the listener
					case answer.StatusCode == http.StatusSwitchingProtocols:
						came <- struct{}{}
						rush.Go(func() {
							defer c.conn.Close()
							if code, _ := c.stay(); code != 4001 {
								t.Errorf("let go with %d, want 4001", code)
							}
						})
					case answer.StatusCode != http.StatusServiceUnavailable:
						t.Errorf("refused with %s, want 503", answer.Status)
					}
				}
			})
		}
		for range 20 {
			<-came
		}
		h.halt()
		stopped.Store(true)
		rush.Wait()
	}
}

func TestTutorialFull(t *testing.T) {
	for args, want := range map[string]int{"--max-conns=2": http.StatusServiceUnavailable, "--max-conns-per-ip=2": http.StatusTooManyRequests} {
		h := boot(t, args)
		alice := enter(t, h.addr, "alice")
		enter(t, h.addr, "bob")
		_, answer, err := knock(h.addr, "/conn/ws/carol", "")
		if err != nil || answer.StatusCode != want || answer.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %v, %v; want %d with Retry-After", args, answer, err, want)
		}
		alice.bye(t)
		reenter(t, h.addr, "carol")
	}
}

// Bad handshakes are refused while others chat.
func TestAbuseOfTheDoor(t *testing.T) {
	h := boot(t)
	stop := converse(t, enter(t, h.addr, "alice"), enter(t, h.addr, "bob"), "alice", "bob")
	good := fmt.Sprintf(opening, "/conn/ws/eve", "")
	with := func(old, replacement string) string { return strings.Replace(good, old, replacement, 1) }
	for _, row := range []struct {
		name, request string
		want          int
	}{
		{"no HTTP", "hello\r\n\r\n", 400},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400},
		{"no target", "GET\r\n\r\n", 400},
		{"another version of HTTP", with("HTTP/1.1", "HTTP/1.0"), 400},
		{"another method", with("GET", "POST"), 400},
		{"no Host", with("Host: throng\r\n", ""), 400},
		{"two Hosts", with("Host: throng\r\n", "Host: throng\r\nHost: throng\r\n"), 400},
		{"space before a colon", with("Host:", "Host :"), 400},
		{"control character in a header", with("Host: throng\r\n", "Host: throng\r\nX: a\x00b\r\n"), 400},
		{"no Connection: Upgrade", with("Connection: Upgrade", "Connection: close"), 400},
		{"no key", with("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""), 400},
		{"short key", with("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j"), 400},
		{"key that is no base64", with("dGhlIHNhbXBsZSBub25jZQ==", "????????????????????????"), 400},
		{"old version of WebSocket", with("Version: 13", "Version: 8"), 426},
		{"no version of WebSocket", with("Sec-WebSocket-Version: 13\r\n", ""), 426},
		{"no Upgrade", with("Upgrade: websocket\r\n", ""), 426},
		{"a body", with("Host: throng\r\n", "Host: throng\r\nContent-Length: 5\r\n") + "hello", 413},
		{"a body in chunks", with("Host: throng\r\n", "Host: throng\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n", 413},
		{"two kinds of body", with("Host: throng\r\n", "Host: throng\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n", 413},
		{"large header", with("Host: throng\r\n", "Host: throng\r\nX: "+strings.Repeat("x", 20<<10)+"\r\n"), 431},
		{"many headers", with("Host: throng\r\n", "Host: throng\r\n"+strings.Repeat("X: y\r\n", 4<<10)), 431},
		{"headers without end", strings.TrimSuffix(good, "\r\n") + strings.Repeat("X: "+strings.Repeat("x", 1<<10)+"\r\n", 300), 431},
		{"long target", "GET /" + strings.Repeat("x", 20<<10) + " HTTP/1.1\r\nHost: throng\r\n\r\n", 431},
		{"elsewhere", fmt.Sprintf(opening, "/nowhere", ""), 404},
	} {
		_, answer, err := ask(h.addr, row.request)
		if err != nil || answer.StatusCode != row.want {
			t.Errorf("%s: %v, %v; want %d", row.name, answer, err, row.want)
		}
	}
	if stop() == 0 {
		t.Error("nobody chatted meanwhile")
	}
}

// Bad frames end their connection with the right code while others chat, and make nobody else lose a word.
func TestAbuseOfFrames(t *testing.T) {
	h := boot(t, "--compress", "on")
	stop := converse(t, enter(t, h.addr, "alice"), enter(t, h.addr, "bob"), "alice", "bob")
	// head is a frame's header with any first byte, length as given, and a mask of zeros.
	head := func(first byte, length string) string { return string([]byte{first}) + length + "\x00\x00\x00\x00" }
	text := func(fin bool, payload string) string { return string(masked(ws.OpText, fin, payload)) }
	more := func(fin bool, payload string) string { return string(masked(ws.OpContinuation, fin, payload)) }
	control := func(op ws.OpCode, payload string) string { return string(masked(op, true, payload)) }
	half := strings.Repeat("x", 40<<10)
	var abusing sync.WaitGroup
	for i, row := range []struct {
		name, bytes string
		want        uint16
	}{
		{"binary on chat", string(masked(ws.OpBinary, true, `{"message":1}`)), 1003},
		{"not UTF-8", text(true, "\"\xff\""), 1007},
		{"not UTF-8, and no end in sight", text(false, "\xc0"), 1007},
		{"half a character at the end", text(false, "\xe2\x82") + more(true, ""), 1007},
		{"a surrogate", text(true, "\xed\xa0\x80"), 1007},
		{"too big", text(true, strings.Repeat("x", 64<<10+1)), 1009},
		{"too big, header alone", head(0x81, "\xff\x00\x00\x00\x00\x00\x01\x00\x01"), 1009},
		{"too big by far, header alone", head(0x81, "\xff\x7f\xff\xff\xff\xff\xff\xff\xff"), 1009},
		{"too big in fragments", text(false, half) + more(false, half), 1009},
		{"fragments that add up to more than 2^63", text(false, "xx") + head(0x80, "\xff\x7f\xff\xff\xff\xff\xff\xff\xff"), 1009},
		{"length of 2^63", head(0x81, "\xff\x80\x00\x00\x00\x00\x00\x00\x00"), 1002},
		{"length written too long", head(0x81, "\xfe\x00\x01") + "x", 1002},
		{"length written far too long", head(0x81, "\xff\x00\x00\x00\x00\x00\x00\x00\x01") + "x", 1002},
		{"not masked", "\x81\x02{}", 1002},
		{"RSV2", head(0xa1, "\x80"), 1002},
		{"RSV3", head(0x91, "\x80"), 1002},
		{"reserved data opcode", head(0x83, "\x80"), 1002},
		{"reserved control opcode", head(0x8b, "\x80"), 1002},
		{"continuation of nothing", more(true, "x"), 1002},
		{"message inside another", text(false, "x") + text(true, "x"), 1002},
		{"ping in fragments", head(0x09, "\x80"), 1002},
		{"ping that is too long", head(0x89, "\xfe\x00\x7e"), 1002},
		{"compressed ping", head(0xc9, "\x80"), 1002},
		{"compressed continuation", text(false, "x") + head(0xc0, "\x80"), 1002},
		{"ping flood", strings.Repeat(control(ws.OpPing, strings.Repeat("x", 125)), 1000), 1008},
		{"pong flood", strings.Repeat(control(ws.OpPong, ""), 1000), 1008},
		{"close with half a code", control(ws.OpClose, "\x03"), 1002},
		{"close with a code that is none", control(ws.OpClose, "\x03\xed"), 1002},
		{"close with a reason that is not UTF-8", control(ws.OpClose, "\x03\xe8\xff"), 1007},
		{"bad compressed data", head(0xc1, "\x84") + "\xff\xff\xff\xff", 1002},
		{"compressed text that is not UTF-8", string(packed("\"\xff\"")), 1007},
		{"compression bomb", string(packed(strings.Repeat("\x00", 16<<20))), 1009},
	} {
		abusing.Go(func() {
			c, answer, err := knock(h.addr, fmt.Sprint("/conn/ws/eve", i), "Sec-WebSocket-Extensions: permessage-deflate\r\n")
			if err != nil || answer.Header.Get("Sec-WebSocket-Extensions") == "" {
				t.Errorf("%s: %v, %v; want compression", row.name, answer, err)
				return
			}
			defer c.conn.Close()
			_, _ = io.WriteString(c.conn, row.bytes)
			if code, texts := c.stay(); code != row.want || len(texts) > 0 {
				t.Errorf("%s: closed with %d after %.300q, want %d after nothing", row.name, code, texts, row.want)
			}
		})
	}
	abusing.Wait()
	// One byte at a time is no abuse, if tedious.
	c := enter(t, h.addr, "eve")
	for _, b := range masked(ws.OpText, true, `{"to_user":"eve","message":"é"}`) {
		_, _ = c.conn.Write([]byte{b})
	}
	c.expect(t, message("eve", "eve", `"é"`))
	if stop() == 0 {
		t.Error("nobody chatted meanwhile")
	}
}

// packed is a text message of one frame, compressed (RFC 7692 section 7.2.1).
func packed(payload string) []byte {
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, flate.BestCompression)
	_, _ = io.WriteString(w, payload)
	_ = w.Flush()
	f := ws.NewFrame(ws.OpText, true, bytes.TrimSuffix(out.Bytes(), []byte{0, 0, 0xff, 0xff}))
	f.Header.Rsv = ws.Rsv(true, false, false)
	return ws.MustCompileFrame(ws.MaskFrame(f))
}

// A client that is told to go and does not, but talks on and on, is cut off.
func TestAbuseAfterClose(t *testing.T) {
	h := boot(t, "--rate", "1", "--burst", "1")
	var all sync.WaitGroup
	for i := range 8 {
		c := enter(t, h.addr, fmt.Sprint("u", i))
		flood := slices.Repeat(masked(ws.OpText, true, `{"message":1}`), 500)
		all.Go(func() {
			for err := error(nil); err == nil; _, err = c.conn.Write(flood) {
			}
		})
		all.Go(func() { _, _ = io.Copy(io.Discard, c.conn) })
	}
	all.Wait() // the test hangs here if the server lets it go on
}

// address is how the first line on standard error tells where the server is.
var address = regexp.MustCompile(`\baddr=(\S+)`)

func TestCommandLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "throng.toml")
	wrong := filepath.Join(t.TempDir(), "wrong.toml")
	if err := errors.Join(os.WriteFile(file, []byte("rate = 5\n"), 0o600), os.WriteFile(wrong, []byte("rat = 5\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, row := range []struct {
		args, environ, stdout, stderr string
		want                          int
	}{
		{args: "version", stdout: "throng " + version + "\n"},
		{args: "--version", stdout: "throng " + version + "\n"},
		{args: "-version", stdout: "throng " + version + "\n"},
		{args: "version --help", stdout: "Usage: throng version"},
		{args: "version --json", want: 2, stderr: `argument "--json": throng version takes none`},
		{args: "--version now", want: 2, stderr: `argument "now": throng version takes none`},
		{args: "help", stdout: "--max-message"},
		{args: "help config", stdout: "Usage: throng config default"},
		{args: "help version", stdout: "Usage: throng version"},
		{args: "config --help", stdout: "Usage: throng config default"},
		{args: "log --help", stdout: "Usage: throng log move"},
		{args: "help log", stdout: "Usage: throng log move"},
		{args: "config check -h", stdout: "Usage: throng config default"},
		{args: "serve --help", stdout: "--max-message"},
		{args: "-h", stdout: "--max-message"},
		{args: "config default", stdout: "max-message"},
		{args: "config check " + file},
		{args: "config check " + wrong, want: 2, stderr: "rat"},
		{args: "config check", want: 2, stderr: "config check"},
		{args: "config", want: 2, stderr: "config default"},
		{args: "dance", want: 2, stderr: `"dance"`},
		{args: "--dance", want: 2, stderr: "dance"},
		{args: "--max-memory 1MiB", want: 2, stderr: "want 0, or a size from 64MiB"},
		{args: "--api-key short", want: 2, stderr: "--api-key (flag): want nothing, or 16 to 256"},
		{environ: "THRONG_API_KEY=short", want: 2, stderr: "THRONG_API_KEY (environment): want nothing, or 16 to 256"},
		{args: "serve --rate many", want: 2, stderr: "--rate"},
		{args: "serve extra", want: 2, stderr: "extra"},
		{args: "--config " + wrong, want: 2, stderr: "rat"},
		{environ: "THRONG_MAX_MESSAGE=huge", want: 2, stderr: "THRONG_MAX_MESSAGE"},
		{args: "--api-keys " + file, want: 2, stderr: "--api-keys: "},
		{args: "--auth jwt --jwt-key " + file, want: 2, stderr: "--jwt-key: "},
		{args: strings.Join(apart, " "), stderr: "addr=127.0.0.1:"},
		{args: "--admin off --addr " + taken.Addr().String(), want: 1, stderr: "address already in use"},
		{args: "--addr 127.0.0.1:0 --admin " + taken.Addr().String(), want: 1, stderr: "address already in use"},
	} {
		t.Run(row.args+row.environ, func(t *testing.T) {
			var stdout, stderr strings.Builder
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			exited := make(chan int, 1)
			go func() {
				exited <- throng(ended, strings.Fields(row.args), []string{row.environ}, &stdout, &stderr, nil)
			}()
			code := exit(t, exited)
			if code != row.want || !strings.Contains(stdout.String(), row.stdout) || !strings.Contains(stderr.String(), row.stderr) {
				t.Fatalf("code %d, stdout %.200q, stderr %q; want %d, %q, %q", code, stdout.String(), stderr.String(), row.want, row.stdout, row.stderr)
			}
			if lines := strings.Count(stderr.String(), "\n"); row.want == command.Usage && lines != 1 {
				t.Fatalf("%d lines on stderr, want 1: %s", lines, stderr.String())
			}
		})
	}
}

// The first line tells the address, and the end of the context lets everybody go and exits with 0.
func TestCommandServe(t *testing.T) {
	for _, args := range [][]string{{}, {"--log-level", "debug"}} {
		r, w := io.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		exited := make(chan int, 1)
		go func() {
			defer func() { _ = w.Close() }()
			exited <- throng(ctx, slices.Concat([]string{"serve"}, apart, args), nil, io.Discard, w, nil)
		}()
		lines := bufio.NewReader(r)
		first, _ := lines.ReadString('\n')
		go func() { _, _ = io.Copy(io.Discard, lines) }()
		if found := address.FindStringSubmatch(first); found == nil {
			t.Errorf("%q: first line %q, want it to hold addr=", args, first)
			cancel()
		} else {
			alice := enter(t, found[1], "alice")
			cancel()
			alice.expectClose(t, 4001)
		}
		if code := exit(t, exited); code != command.Done {
			t.Errorf("exit code %d, want 0", code)
		}
	}
}

// exit is the exit code of a run that must end by now.
func exit(t *testing.T, exited <-chan int) int {
	t.Helper()
	select {
	case code := <-exited:
		return code
	case <-time.After(patience):
		t.Fatal("throng does not exit")
		return -1
	}
}

// program builds throng, once, without the race detector, and returns its path.
var program = sync.OnceValues(func() (path string, err error) {
	if workshop, err = os.MkdirTemp("", "throng-"); err != nil {
		return "", err
	}
	path = filepath.Join(workshop, "throng")
	if text, err := exec.Command("go", "build", "-buildvcs=false", "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, text)
	}
	return path, nil
})

// child is a server in a process of its own.
type child struct {
	addr string
	pid  int

	mu  sync.Mutex // guards log
	log []string   // lines of standard error after the first
}

// spawn starts a server that may open so many files. It is stopped with SIGTERM at the end of the test, and must exit with 0.
func spawn(t *testing.T, files int, args ...string) *child {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", slices.Concat([]string{"-c", `ulimit -n "$0" && exec "$@"`, strconv.Itoa(files), path}, apart, args)...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	lines.Scan()
	c := &child{pid: cmd.Process.Pid}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines.Scan() {
			c.mu.Lock()
			c.log = append(c.log, lines.Text())
			c.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-done
		if err := cmd.Wait(); err != nil {
			t.Errorf("after SIGTERM: %v; its last lines: %q", err, c.log[max(0, len(c.log)-5):])
		}
	})
	found := address.FindStringSubmatch(lines.Text())
	if found == nil {
		t.Fatalf("first line %q, want it to hold addr=", lines.Text())
	}
	c.addr = found[1]
	return c
}

// logged reports whether a line of the log holds text.
func (c *child) logged(text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.log, func(line string) bool { return strings.Contains(line, text) })
}

// memory is a row of /proc/PID/status, in bytes.
func (c *child) memory(t *testing.T, row string) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.pid))
	if err != nil {
		t.Fatal(err)
	}
	_, value, _ := strings.Cut(string(status), row+":")
	kib, err := strconv.Atoi(strings.Fields(value)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

// scaled is a number of things to do, fewer with -short.
func scaled(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

// One of 200 never reads while 20,000 messages go round: the others get all of them in order, the server does not grow by
// what it does not read, and it is let go.
func TestSlowReader(t *testing.T) {
	const readers, flight, queue = 199, 128, 1 << 20
	words := int64(scaled(20_000))
	c := spawn(t, 1024, "--keep-bytes", "64KiB") // what the server remembers is not what it holds for readers
	// All messages together are more than the kernel may hold back for a reader and the server may grow by.
	word := `"%08d` + strings.Repeat("x", (kernelBuffer(t)+queue+scaled(20<<20))/int(words)) + `"`
	prefix := `{"from_user":"u0","to_user":"","message":"`
	var read [readers]atomic.Int64
	progress := make(chan struct{}, 1)
	swarm, err := loadtest.New(loadtest.Config{Addr: c.addr, OnMessage: func(u *loadtest.User, _ int64, payload []byte) {
		n := read[u.ID].Load()
		if got, err := strconv.ParseInt(string(payload[len(prefix):len(prefix)+8]), 10, 64); err != nil || got != n {
			t.Errorf("reader %d: message %d is %.60s, %v", u.ID, n, payload, err)
			u.Cut()
		}
		if n = read[u.ID].Add(1); n%(flight/4) == 0 || n == words {
			select {
			case progress <- struct{}{}:
			default:
			}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer swarm.Close()
	var talker *loadtest.User
	for i := range readers {
		u, err := swarm.Connect(t.Context(), i, fmt.Sprint("/conn/ws/u", i))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			talker = u
		}
	}
	sleeper := enter(t, c.addr, "sleeper")
	before := c.memory(t, "VmRSS")
	late := time.After(4 * patience)
	for sent, slowest := int64(0), int64(0); slowest < words; {
		for ; sent < min(words, slowest+flight); sent++ {
			if err := talker.Send(fmt.Appendf(nil, `{"message":`+word+`}`, sent)); err != nil {
				t.Fatal(err)
			}
		}
		select {
		case <-progress:
		case <-late:
			t.Fatalf("of %d messages sent, the slowest honest reader has %d", sent, slowest)
		}
		slowest = words
		for i := range read {
			slowest = min(slowest, read[i].Load())
		}
	}
	grown := c.memory(t, "VmHWM") - before
	t.Logf("%d deliveries; the server grew by %d KiB from %d KiB", readers*words, grown>>10, before>>10)
	if limit := queue + 16<<20; grown >= limit {
		t.Errorf("the server grew by %d bytes, want less than %d", grown, limit)
	}
	_ = sleeper.conn.SetDeadline(time.Now().Add(patience))
	code, texts := sleeper.stay()
	if _, err := sleeper.in.Peek(1); errors.Is(err, os.ErrDeadlineExceeded) || code != 0 && code != 4008 || int64(len(texts)) >= words {
		t.Errorf("the sleeper read %d messages and was closed with %d, %v; want 4008 or a cut", len(texts), code, err)
	}
	for n, text := range texts {
		if want := prefix + fmt.Sprintf(word, n)[1:] + "}"; text != want {
			t.Fatalf("the sleeper's message %d is %.60s", n, text)
		}
	}
}

// kernelBuffer is how many bytes a socket may have written that nobody has read.
func kernelBuffer(t *testing.T) int {
	t.Helper()
	limits, err := os.ReadFile("/proc/sys/net/ipv4/tcp_wmem")
	if err != nil {
		t.Fatal(err)
	}
	most, err := strconv.Atoi(strings.Fields(string(limits))[2])
	if err != nil {
		t.Fatal(err)
	}
	return most
}

// flood is half-open handshakes against a server.
type flood struct {
	addr   string
	waves  [][]*client // those that are open, oldest first
	opened int
}

// wave opens so many more: silent ones, some that send garbage, some that send a byte now and then. It lets those that
// are three waves old go.
func (f *flood) wave(size int) {
	var wave []*client
	for i := range size {
		text := []string{"", "G", "\x00\x01garbage\r\n", "GET / HTTP/1.1\r\nHost: x\r\nX: y"}[i%4]
		if c, err := call(f.addr, fmt.Sprintf("127.0.0.%d", 2+f.opened%50), text); err == nil {
			wave = append(wave, c)
			f.opened++
		}
	}
	if f.waves = append(f.waves, wave); len(f.waves) > 3 {
		f.end(1)
	}
	for _, wave := range f.waves {
		for _, c := range wave {
			_, _ = c.conn.Write([]byte("E"))
		}
	}
}

// end lets the oldest waves go.
func (f *flood) end(waves int) {
	for _, wave := range f.waves[:waves] {
		for _, c := range wave {
			c.conn.Close()
		}
	}
	f.waves = f.waves[waves:]
}

// 20,000 half-open handshakes knock at the door, where files are many and where they run out: those inside go on
// chatting, and others come in meanwhile and afterwards.
func TestDoorFlood(t *testing.T) {
	for _, row := range []struct {
		name         string
		files, knock int
	}{{"files enough", 1024, scaled(14_000)}, {"out of files", 140, scaled(6_000)}} {
		t.Run(row.name, func(t *testing.T) {
			c := spawn(t, row.files)
			stop := converse(t, enter(t, c.addr, "alice"), enter(t, c.addr, "bob"), "alice", "bob")
			slow, err := call(c.addr, "", "GET /conn/ws/slow HTTP/1.1\r\n")
			if err != nil {
				t.Fatal(err)
			}
			defer slow.conn.Close()
			f := &flood{addr: c.addr}
			tries, entered := 0, 0
			for f.opened < row.knock {
				f.wave(100)
				tries++
				if guest, answer, err := knock(c.addr, fmt.Sprint("/conn/ws/guest", tries), ""); err == nil {
					if answer.StatusCode == http.StatusSwitchingProtocols {
						guest.bye(t)
						entered++
					}
					guest.conn.Close()
				}
			}
			during := stop()
			t.Logf("%d half-open; of %d newcomers %d came in; %d words to and fro", f.opened, tries, entered, during)
			if 2*entered < tries {
				t.Errorf("of %d newcomers %d came in during the flood, want most", tries, entered)
			}
			if during < tries {
				t.Errorf("%d words to and fro during %d waves", during, tries)
			}
			if row.files < 200 && !c.logged("too many open files") {
				t.Error("files did not run out: this test shows nothing")
			}
			if answer, err := http.ReadResponse(slow.in, nil); err != nil || answer.StatusCode != http.StatusRequestTimeout {
				t.Errorf("a head that never ends: %v, %v; want 408", answer, err)
			}
			reenter(t, c.addr, "before").bye(t) // while the last waves still stand
			f.end(len(f.waves))
			for i := range 8 {
				reenter(t, c.addr, fmt.Sprint("after", i))
			}
		})
	}
}
