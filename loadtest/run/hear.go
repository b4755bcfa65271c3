package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"throng/loadtest"
	"throng/loadtest/ledger"
	"throng/loadtest/report"
)

// metrics are the names of latencies by the kind of conversation.
var metrics = [...]string{ledger.Broadcast: "broadcast", ledger.Direct: "direct", ledger.Room: "room"}

// hear books what a user has received. It runs on the swarm's loop for every frame.
func (w *worker) hear(sock *loadtest.User, at int64, frame []byte) {
	at -= w.share.Origin
	text, from, rest, ok := ledger.Find(frame)
	if !ok {
		w.hearOther(sock.ID, at, frame)
		return
	}
	for ; ok; text, from, rest, ok = ledger.Find(rest) {
		o := w.book.Received(sock.ID, text, from, at)
		if o.What == ledger.Corrupted {
			w.meter.blame(fmt.Errorf("a corrupted message: %w", o.Why))
		}
		if o.First() {
			w.meter.delivered(o, at, w.stalled.Load())
		}
	}
}

// delivered records the latency of a message that has come for the first time. What was on its way while the loop
// stood still says nothing about the server, nor does what was sent late.
func (m *meter) delivered(o ledger.Outcome, at, stalled int64) {
	meant := at - o.Latency
	m.mu.Lock()
	defer m.mu.Unlock()
	if o.Kept {
		m.counts.Kept++
		return
	}
	if o.Tardy || meant < stalled {
		m.counts.Tainted++
		return
	}
	h := m.unmeasured
	if meant >= m.from && meant < m.until {
		h = m.measured
	}
	report.Record(h.of(metrics[o.Kind]), time.Duration(o.Latency))
}

// acked records the latency of an ack. What was meant before some time waited for the generator, or for its sender.
func (m *meter) acked(s *ledger.Stamp, at, since int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts.Acked[s.Kind]++
	m.counts.Waiting--
	if s.Tardy || s.Waited || s.At < since {
		return
	}
	h := m.unmeasured
	if s.At >= m.from && s.At < m.until {
		h = m.measured
	}
	report.Record(h.of("ack"), time.Duration(at-s.At))
}

// stall is told by the swarm that its loop stood still though there was work.
func (w *worker) stall(_, to int64) { w.stalled.Store(to - w.share.Origin) }

// hearOther takes what is not a user's message: the server's own words, or what nobody of this run has sent.
func (w *worker) hearOther(id int, at int64, frame []byte) {
	if !bytes.Contains(frame, []byte(`"system"`)) {
		w.book.Unstamped(id, at)
		return
	}
	var said struct {
		From    string `json:"from_user"`
		Message any    `json:"message"`
	}
	if err := json.Unmarshal(frame, &said); err != nil || said.From != "system" {
		w.book.Unstamped(id, at)
		return
	}
	w.meter.add(func(c *counts) { c.Refused++ })
	w.meter.blame(errors.New("the server said: " + fmt.Sprint(said.Message)))
}
