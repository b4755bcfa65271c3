package run

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"throng/loadtest/ledger"
)

// maxFrame bounds, in bytes, what one side of the wire believes the other: the counts of a million users fit.
const maxFrame = 64 << 20

// order is what the coordinator tells a worker. A worker has one order at a time and answers each once.
type order struct {
	Do    string             `json:"do"`
	Key   string             `json:"key,omitempty"`   // hello: the shared secret
	Share *share             `json:"share,omitempty"` // prepare
	Send  *stage             `json:"send,omitempty"`  // send
	Total *ledger.SentReport `json:"total,omitempty"` // settle: what all workers have sent
	// Tokens: what the worker's next users show to come in.
	Tokens []string `json:"tokens,omitempty"`
}

// The orders, in the order in which a run gives them.
const (
	doHello   = "hello"   // who are you; may be given several times, to measure the clock
	doPrepare = "prepare" // make ready for this share
	doTokens  = "tokens"  // take these; as often as it takes
	doConnect = "connect" // bring all users in
	doSend    = "send"    // send for one stage
	doStorm   = "storm"   // drop all users and bring them back
	doSent    = "sent"    // say what was sent
	doSettle  = "settle"  // say what became of it
	doStop    = "stop"    // end the order at hand now; has no answer of its own
)

// stage is a stretch of sending.
type stage struct {
	From    int64   `json:"from"` // on the run's clock
	Until   int64   `json:"until"`
	Rate    float64 `json:"rate"`    // messages a second of all workers together
	Measure bool    `json:"measure"` // latencies of what is meant to be sent in this stage count
	// Storms are when all drop and return at once in the middle of the sending, on the run's clock: in version 2, which
	// loses nothing by it.
	Storms []int64 `json:"storms,omitempty"`
}

// answer is what a worker tells the coordinator: the end of an order (Did), or what happened since the last time
// (News, once a second and before each end).
type answer struct {
	Did     string             `json:"did,omitempty"`
	Err     string             `json:"err,omitempty"` // the order failed, in words
	Clock   int64              `json:"clock,omitempty"`
	Host    string             `json:"host,omitempty"` // the same on all workers of one boot of one machine
	Sent    *ledger.SentReport `json:"sent,omitempty"`
	Account *ledger.Account    `json:"account,omitempty"`
	News    *news              `json:"news,omitempty"`
}

// news is what happened in a worker since its last news.
type news struct {
	At         int64             `json:"at"` // the run's clock
	Counts     counts            `json:"counts"`
	Hists      map[string][]byte `json:"hists,omitempty"`      // latencies that count, by metric
	Unmeasured map[string][]byte `json:"unmeasured,omitempty"` // latencies outside of a measured stage
	Spread     []ledger.Piece    `json:"spread,omitempty"`
	CPU        int64             `json:"cpu"`               // nanoseconds of processor time so far
	Memory     int64             `json:"memory"`            // resident bytes
	Reasons    map[string]int    `json:"reasons,omitempty"` // of all errors so far
	Turned     map[string]int    `json:"turned,omitempty"`  // those of the attempts to come in
	Stalled    int64             `json:"stalled,omitempty"` // when the last stall of the loop ended, on the run's clock
}

// counts are running totals of a worker, except for the turn.
type counts struct {
	Asked     int   `json:"asked"`
	Trying    int   `json:"trying"`    // users on their way in, at present
	Turned    int   `json:"turned"`    // attempts to come in that failed
	Connected int   `json:"connected"` // at present
	Ever      int   `json:"ever"`      // users that have been connected
	Failed    int   `json:"failed"`    // users given up
	Again     int   `json:"again"`
	Dropped   int   `json:"dropped"`
	Sent      int64 `json:"sent"`
	Unsent    int64 `json:"unsent"`  // messages whose time came and which could not be handed to a socket
	Skipped   int64 `json:"skipped"` // messages to which the worker had not come when their stage was over
	// In version 2: users who are on their way back though the scenario did not make them leave, conversations whose history
	// is being read, messages by kind that the server acknowledged, messages that wait for that, messages that came from the
	// history, gaps that the server told, and times that the history had no more what followed on what a user had.
	Returning  int                 `json:"returning"`
	Reading    int                 `json:"reading"`
	Acked      [len(metrics)]int64 `json:"acked"`
	Waiting    int64               `json:"waiting"`
	Paged      int64               `json:"paged"`
	Gaps       int64               `json:"gaps"`
	Holes      int64               `json:"holes"`
	Kept       int64               `json:"kept"` // deliveries whose sender or recipient was away when they were meant to be sent
	LateSends  int64               `json:"late_sends"`
	Delivered  int64               `json:"delivered"`
	Duplicated int64               `json:"duplicated"`
	Reordered  int64               `json:"reordered"`
	Corrupted  int64               `json:"corrupted"`
	Late       int64               `json:"late"`
	Tainted    int64               `json:"tainted"`
	Refused    int64               `json:"refused"` // words of the server to a user: told to slow down, recipient unknown
	Stalled    int64               `json:"stalled"` // nanoseconds
	Turn       int64               `json:"turn"`    // the longest turn of the loop since the last news, nanoseconds
}

// wire carries orders one way and answers the other, each a four-byte length, big endian, and JSON. Send may be
// called from any goroutine, receive from one.
type wire struct {
	in  *bufio.Reader
	mu  sync.Mutex // guards out
	out io.Writer
	buf []byte
}

func newWire(in io.Reader, out io.Writer) *wire { return &wire{in: bufio.NewReader(in), out: out} }

func (w *wire) send(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(text) > maxFrame {
		return errors.New("a message between coordinator and worker is longer than 64 MiB")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err = w.out.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), text...))
	return err
}

// receive reads one message into v.
func (w *wire) receive(v any) error {
	var head [4]byte
	if _, err := io.ReadFull(w.in, head[:]); err != nil {
		return err
	}
	n := int(binary.BigEndian.Uint32(head[:]))
	if n > maxFrame {
		return fmt.Errorf("%d bytes announced: this is no load worker", n)
	}
	if cap(w.buf) < n {
		// Grown as it comes, so that a false length costs nothing.
		text, err := io.ReadAll(io.LimitReader(w.in, int64(n)))
		if err == nil && len(text) < n {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		w.buf = text
	} else if _, err := io.ReadFull(w.in, w.buf[:n]); err != nil {
		if n > 0 && errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	return json.Unmarshal(w.buf[:n], v)
}
