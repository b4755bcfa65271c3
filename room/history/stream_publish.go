package history

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// publishWindow is how many messages are under way at most: a server takes 10,000 for one stream, from all nodes together.
	publishWindow = 2048
	// publishTry is how long acks are waited for before what lacks one is published again.
	publishTry = 1500 * time.Millisecond
	// publishPause is before it is tried again.
	publishPause = 50 * time.Millisecond
)

var errUnacknowledged = errors.New("nats: not acknowledged in time")

// publisher publishes to JetStream, many at once and in order. One goroutine at a time may use it.
type publisher struct {
	nc    *nats.Conn
	inbox string // and a number behind it: where acks come
	acks  chan *nats.Msg
	sub   *nats.Subscription
	next  uint64 // number of the next message
}

// outgoing is a message on its way, and what became of it.
type outgoing struct {
	subject string
	header  nats.Header
	data    []byte

	seq   uint64 // 0: not acknowledged
	again bool   // it was there already
	err   error  // why it was not stored at the last try
}

func newPublisher(nc *nats.Conn) (*publisher, error) {
	p := &publisher{nc: nc, inbox: nc.NewInbox() + ".", acks: make(chan *nats.Msg, 8*publishWindow)}
	var err error
	p.sub, err = nc.ChanSubscribe(p.inbox+"*", p.acks)
	return p, err
}

// close ends the publisher.
func (p *publisher) close() error { return p.sub.Unsubscribe() }

// publish publishes in order and waits for the acks. At most publishWindow messages may be given. At the first that cannot be written it
// stops, so that none overtakes another.
func (p *publisher) publish(ctx context.Context, all []*outgoing) {
	first := p.next
	for _, o := range all {
		o.err = errUnacknowledged
	}
	if !p.nc.IsConnected() { // or it would be kept and sent at some time
		return
	}
	wanted := 0
	for _, o := range all {
		m := nats.Msg{Subject: o.subject, Reply: p.inbox + strconv.FormatUint(p.next, 10), Header: o.header, Data: o.data}
		if o.err = p.nc.PublishMsg(&m); o.err != nil {
			break
		}
		o.err = errUnacknowledged
		p.next++
		wanted++
	}
	timeout := time.NewTimer(publishTry)
	defer timeout.Stop()
	for wanted > 0 {
		select {
		case m := <-p.acks:
			n, err := strconv.ParseUint(strings.TrimPrefix(m.Subject, p.inbox), 10, 64)
			if err != nil || n < first || n >= p.next {
				continue // of a try that was given up
			}
			all[n-first].acknowledge(m)
			wanted--
		case <-timeout.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// acknowledge reads an ack.
func (o *outgoing) acknowledge(m *nats.Msg) {
	if m.Header.Get("Status") == "503" {
		o.err = nats.ErrNoResponders
		return
	}
	if seq, ok := plainAck(m.Data); ok {
		o.seq, o.again, o.err = seq, false, nil
		return
	}
	var ack struct {
		Seq       uint64    `json:"seq"`
		Duplicate bool      `json:"duplicate"`
		Error     *apiError `json:"error"`
	}
	switch err := json.Unmarshal(m.Data, &ack); {
	case err != nil:
		o.err = err
	case ack.Error != nil:
		o.err = ack.Error
	default:
		o.seq, o.again, o.err = ack.Seq, ack.Duplicate, nil
	}
}

// plainAck reads the ack of a message that was stored, {"stream":"…","seq":7}, which nearly all are. Others it leaves to whoever
// reads JSON.
func plainAck(data []byte) (seq uint64, ok bool) {
	_, rest, _ := bytes.Cut(data, []byte(`","seq":`))
	digits, end, ok := bytes.Cut(rest, []byte("}"))
	if !ok || len(end) > 0 || !bytes.HasPrefix(data, []byte(`{"stream":"`)) {
		return 0, false
	}
	seq, err := strconv.ParseUint(string(digits), 10, 64)
	return seq, err == nil && seq > 0
}

// pause waits a little.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
