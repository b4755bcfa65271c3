package engine

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// dripping is a connection whose bytes come in pieces, and then its end.
type dripping struct {
	net.Conn
	pieces [][]byte
	end    error
}

func (d *dripping) Read(b []byte) (int, error) {
	if len(d.pieces) == 0 {
		return 0, d.end
	}
	n := copy(b, d.pieces[0])
	if d.pieces[0] = d.pieces[0][n:]; len(d.pieces[0]) == 0 {
		d.pieces = d.pieces[1:]
	}
	return n, nil
}

func TestReadHead(t *testing.T) {
	line := "GET / HTTP/1.1\r\n"
	full := line + "X: " + strings.Repeat("x", maxHead-len(line)-len("X: \r\n\r\n")) + "\r\n\r\n"
	for _, test := range []struct {
		name, sent string
		end        error // after what was sent; nil: io.EOF
		err        error
		rest       string
	}{
		{name: "whole", sent: line + "Host: x\r\n\r\n"},
		{name: "with more", sent: line + "\r\nmore\r\n\r\n", rest: "more\r\n\r\n"},
		{name: "with less than a line more", sent: line + "\r\n\r", rest: "\r"},
		{name: "bare LF", sent: "GET / HTTP/1.1\nHost: x\n\nmore\r\n\r\n", rest: "more\r\n\r\n"},
		{name: "CRLF, then bare LF", sent: line + "\nmore", rest: "more"},
		{name: "bare LF, then CRLF", sent: "GET / HTTP/1.1\n\r\nmore", rest: "more"},
		{name: "as long as may be", sent: full},
		{name: "as long as may be, with more", sent: full + "more", rest: "more"},
		{name: "too long", sent: strings.Replace(full, "x", "xx", 1), err: errHeadTooBig},
		{name: "endless", sent: line + strings.Repeat("x", 2*maxHead), err: errHeadTooBig},
		{name: "endless line", sent: strings.Repeat("x", 2*maxHead), err: errNotHTTP},
		{name: "TLS", sent: "\x16\x03\x01", err: errNotHTTP},
		{name: "empty line first", sent: "\r\n" + line, err: errNotHTTP},
		{name: "nothing", err: errHeadLost},
		{name: "half", sent: line, err: errHeadLost},
		{name: "half, and no more in time", sent: line, end: os.ErrDeadlineExceeded, err: errHeadTimeout},
		{name: "reset", sent: line, end: net.ErrClosed, err: errHeadLost},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.end == nil {
				test.end = io.EOF
			}
			random := rand.New(rand.NewPCG(1, 1))
			for _, size := range []int{1, 100, 4 * maxHead} {
				h, err := readHead(&dripping{pieces: chop([]byte(test.sent), size, random), end: test.end})
				if !errors.Is(err, test.err) {
					t.Fatalf("error %v, want %v", err, test.err)
				}
				if err != nil {
					continue
				}
				// What has come of the rest depends on the pieces, where the head ends does not.
				if got := string(h.rest()); !strings.HasPrefix(test.rest, got) || h.length != len(test.sent)-len(test.rest) {
					t.Errorf("a head of %d bytes and %q, want %d and %q", h.length, got, len(test.sent)-len(test.rest), test.rest)
				}
				h.free()
			}
		})
	}
}

// judgement is what net/http makes of a request: what its handler gets, or a refusal.
type judgement struct {
	request *http.Request
	rest    string
	refused error
}

// judge is a real http.Server that is asked over pipes, one request at a time.
type judge struct {
	conns  chan net.Conn
	judged chan judgement
}

// theEnd follows every request that is judged, so that it is known what net/http leaves over.
const theEnd = "\r\n-- that was all --\r\n\r\n"

func newJudge(f *testing.F) *judge {
	j := &judge{make(chan net.Conn), make(chan judgement, 2)}
	server := &http.Server{Handler: j, MaxHeaderBytes: maxHead, ReadTimeout: 5 * time.Second}
	go func() { _ = server.Serve(j) }()
	f.Cleanup(func() {
		close(j.conns)
		_ = server.Close()
	})
	return j
}

func (j *judge) Accept() (net.Conn, error) {
	if conn, ok := <-j.conns; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (*judge) Close() error   { return nil }
func (*judge) Addr() net.Addr { return &net.TCPAddr{} }

func (j *judge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		j.judged <- judgement{refused: err}
		return
	}
	defer conn.Close()
	var rest []byte
	for !bytes.HasSuffix(rest, []byte(theEnd)) {
		b, err := buffered.ReadByte()
		if err != nil {
			j.judged <- judgement{refused: err}
			return
		}
		rest = append(rest, b)
	}
	j.judged <- judgement{request: r, rest: strings.TrimSuffix(string(rest), theEnd)}
}

// ask gives b to net/http.
func (j *judge) ask(b []byte) judgement {
	server, client := net.Pipe()
	defer client.Close()
	j.conns <- server
	go func() { _, _ = client.Write(slices.Concat(b, []byte(theEnd))) }()
	ended := make(chan error, 1)
	go func() {
		r, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err == nil {
			err = errors.New(r.Status)
		}
		ended <- err
	}()
	select {
	case got := <-j.judged:
		return got
	case err := <-ended:
		select {
		case got := <-j.judged: // said before the pipe was closed
			return got
		default:
			return judgement{refused: err}
		}
	}
}

// FuzzHead: a request that the door takes by itself is one that net/http takes too, and it is the same request, with the
// same bytes behind it. What else comes, net/http answers.
func FuzzHead(f *testing.F) {
	for _, request := range badRequests {
		f.Add([]byte(request.sent), uint64(1))
	}
	f.Add([]byte(handshake("/ws?a=b", "Cookie: a", "Cookie: b")+"rest"), uint64(2))
	f.Add([]byte("GET /ws HTTP/1.1\nHost: x\nUpgrade: websocket\n\nrest\r\n\r\n"), uint64(3))
	f.Add([]byte("GET http://a/ws HTTP/1.1\r\nHost: b\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), uint64(4))
	j := newJudge(f)
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		h, err := readHead(&dripping{pieces: chop(b, 200, rand.New(rand.NewPCG(seed, 0))), end: io.EOF})
		if err != nil {
			return
		}
		defer h.free()
		got, err := h.request()
		if err != nil || !wantsSocket(got) {
			return
		}
		want := j.ask(b)
		if want.refused != nil {
			if checkHandshake(got) == nil {
				t.Fatalf("net/http refuses it: %v", want.refused)
			}
			return
		}
		w := want.request
		if got.Method != w.Method || got.RequestURI != w.RequestURI || got.Proto != w.Proto || got.Host != w.Host ||
			!reflect.DeepEqual(got.URL, w.URL) || !reflect.DeepEqual(got.Header, w.Header) ||
			got.ContentLength != w.ContentLength || !reflect.DeepEqual(got.TransferEncoding, w.TransferEncoding) {
			t.Fatalf("read %+v\nnet/http reads %+v", got, w)
		}
		if rest := b[h.length:]; want.rest != string(rest) || !bytes.HasPrefix(rest, h.rest()) {
			t.Fatalf("what follows is %q, for net/http %q", rest, want.rest)
		}
	})
}
