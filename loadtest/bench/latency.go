package main

import (
	"bytes"
	"math/bits"
	"strconv"
	"sync"
	"time"

	"throng/loadtest"
)

// latency sums up a distribution.
type latency struct {
	P50, P99, Max time.Duration
}

// histogram counts nanoseconds in buckets that are at most 1/32 of the value wide.
type histogram struct {
	buckets [60 << 5]uint32
	count   uint64
	max     int64
}

func (h *histogram) add(ns int64) {
	ns = max(ns, 0)
	h.buckets[bucket(uint64(ns))]++
	h.count++
	h.max = max(h.max, ns)
}

// bucket is the value itself below 64, and above it the exponent with the five bits that follow the
// leading one.
func bucket(v uint64) int {
	if v < 64 {
		return int(v)
	}
	shift := bits.Len64(v) - 6
	return shift<<5 + int(v>>shift)
}

// floor is the smallest value of a bucket.
func floor(b int) int64 {
	if b < 64 {
		return int64(b)
	}
	shift := b>>5 - 1
	return int64(b&31|32) << shift
}

// merge adds what another histogram has counted.
func (h *histogram) merge(o *histogram) {
	for i, n := range o.buckets {
		h.buckets[i] += n
	}
	h.count += o.count
	h.max = max(h.max, o.max)
}

// quantile is the value below which a share q of the values lie, to within a bucket.
func (h *histogram) quantile(q float64) time.Duration {
	left := uint64(q * float64(h.count))
	for i, n := range h.buckets {
		if uint64(n) > left {
			return time.Duration(floor(i))
		}
		left -= uint64(n)
	}
	return time.Duration(h.max)
}

func (h *histogram) summary() latency {
	return latency{P50: h.quantile(0.5), P99: h.quantile(0.99), Max: time.Duration(h.max)}
}

// recorder collects the latencies of stamped messages by the second in which they were meant to be
// sent.
type recorder struct {
	mu      sync.Mutex // guards what follows: messages may come late
	begin   int64
	seconds []histogram
}

// reset starts a measurement of so many seconds.
func (r *recorder) reset(begin int64, seconds int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begin, r.seconds = begin, make([]histogram, seconds)
}

// message records a delivery; it is a callback of the swarm.
func (r *recorder) message(_ *loadtest.User, at int64, payload []byte) {
	if sent, ok := stamp(payload); ok {
		r.add(sent, at)
	}
}

// add records what was meant to be sent at one time and came at another.
func (r *recorder) add(sent, at int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	second := (sent - r.begin) / int64(time.Second)
	if sent >= r.begin && second < int64(len(r.seconds)) {
		r.seconds[second].add(at - sent)
	}
}

func (r *recorder) summary() (all, first, last latency) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.seconds) == 0 {
		return all, first, last
	}
	var sum histogram
	for i := range r.seconds {
		sum.merge(&r.seconds[i])
	}
	final := len(r.seconds) - 1
	for final > 0 && r.seconds[final].count == 0 {
		final-- // it was over before
	}
	return sum.summary(), r.seconds[0].summary(), r.seconds[final].summary()
}

// payloadSize is the length of all messages, in bytes: with its header a frame has 204.
const payloadSize = 200

// appendMessage appends a message of the tutorial dialect that carries the time at which it was
// meant to be sent.
func appendMessage(dst []byte, from, to string, sent int64) []byte {
	begin := len(dst)
	dst = append(append(dst, `{"from_user":"`...), from...)
	dst = append(append(dst, `","to_user":"`...), to...)
	dst = strconv.AppendInt(append(dst, `","message":"@`...), sent, 10)
	dst = append(dst, ' ')
	for len(dst)-begin < payloadSize-2 {
		dst = append(dst, 'x')
	}
	return append(dst, `"}`...)
}

// stamp finds the time in a message.
func stamp(payload []byte) (ns int64, ok bool) {
	at := bytes.IndexByte(payload, '@')
	if at < 0 {
		return 0, false
	}
	for _, c := range payload[at+1:] {
		if c < '0' || c > '9' {
			break
		}
		ns = ns*10 + int64(c-'0')
	}
	return ns, true
}
