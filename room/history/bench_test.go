package history

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// cpu is what the process has used so far, in user and system mode.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchLog(b *testing.B, durability string) Log {
	if durability == DurabilityMem {
		return Memory(Config{})
	}
	l, err := Open(b.TempDir(), Config{Durability: durability, Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { release(l) })
	return l
}

var benchBody = bytes.Repeat([]byte("0123456789"), 20)

// batchOf makes n entries as a road would: half to everyone, half to 1,000 others.
func batchOf(n int, number *uint64) []*Entry {
	batch, entries := make([]*Entry, n), make([]Entry, n)
	for i := range batch {
		*number++
		e := &entries[i]
		e.Message = Message{Conv: "all", Claim: *number % 1000, From: "somebody", Cid: fmt.Sprintf("cid-%d", *number), Body: benchBody}
		if i%2 == 1 {
			peer := 1000 + *number%1000
			e.Conv, e.Peer, e.To = fmt.Sprintf("d/%d/%d", e.Claim, peer), peer, "somebody else"
		}
		batch[i] = e
	}
	return batch
}

// BenchmarkAppend is the cost of a message, in wall time and in CPU of the whole process, its compactions included.
func BenchmarkAppend(b *testing.B) {
	for _, durability := range []string{DurabilityMem, DurabilityOS, DurabilityFsync} {
		for _, size := range []int{1, 50, 1000} {
			b.Run(fmt.Sprintf("%s/batch=%d", durability, size), func(b *testing.B) {
				l := benchLog(b, durability)
				var number uint64
				var used time.Duration
				b.ReportAllocs()
				for n := 0; n < b.N; n += size {
					b.StopTimer()
					batch := batchOf(size, &number)
					b.StartTimer()
					before := cpu()
					if err := l.Append(batch); err != nil {
						b.Fatal(err)
					}
					used += cpu() - before
				}
				b.ReportMetric(float64(used.Nanoseconds())/float64(b.N), "cpu-ns/msg")
			})
		}
	}
}

// BenchmarkSenders is 1,000 senders, each waiting for its ack, behind a small committer.
func BenchmarkSenders(b *testing.B) {
	for _, durability := range []string{DurabilityOS, DurabilityFsync} {
		b.Run(durability, func(b *testing.B) {
			l := benchLog(b, durability)
			const senders = 1000
			c := newBenchCommitter(l)
			var left atomic.Int64
			left.Store(int64(b.N))
			took := make([][]time.Duration, senders)
			var all sync.WaitGroup
			b.ResetTimer()
			start, used := time.Now(), cpu()
			for s := range senders {
				all.Go(func() {
					for n := 0; left.Add(-1) >= 0; n++ {
						e := &Entry{Message: Message{Conv: "all", Claim: uint64(s), From: "somebody", Cid: fmt.Sprint(n), Body: benchBody}}
						sent := time.Now()
						c.send(e)
						took[s] = append(took[s], time.Since(sent))
					}
				})
			}
			all.Wait()
			b.StopTimer()
			elapsed := time.Since(start)
			used = cpu() - used
			c.stop()
			sorted := slices.Concat(took...)
			slices.Sort(sorted)
			b.ReportMetric(float64(b.N)/elapsed.Seconds(), "msg/s")
			b.ReportMetric(float64(used.Nanoseconds())/float64(b.N), "cpu-ns/msg")
			b.ReportMetric(float64(sorted[len(sorted)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(sorted[len(sorted)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(float64(b.N)/float64(c.commits), "msg/commit")
		})
	}
}

// benchCommitter appends what has piled up.
type benchCommitter struct {
	mu      sync.Mutex
	waiting []*Entry
	acks    []chan struct{}
	wake    chan struct{}
	done    chan struct{}
	commits int
}

var ackPool = sync.Pool{New: func() any { return make(chan struct{}, 1) }}

func newBenchCommitter(l Log) *benchCommitter {
	c := &benchCommitter{wake: make(chan struct{}, 1), done: make(chan struct{})}
	go func() {
		defer close(c.done)
		var batch []*Entry
		var acks []chan struct{}
		for range c.wake {
			c.mu.Lock()
			batch, c.waiting = c.waiting, batch[:0]
			acks, c.acks = c.acks, acks[:0]
			c.mu.Unlock()
			if len(batch) == 0 {
				continue
			}
			if err := l.Append(batch); err != nil {
				panic(err)
			}
			c.commits++
			for _, ack := range acks {
				ack <- struct{}{}
			}
		}
	}()
	return c
}

func (c *benchCommitter) send(e *Entry) {
	ack := ackPool.Get().(chan struct{})
	c.mu.Lock()
	c.waiting, c.acks = append(c.waiting, e), append(c.acks, ack)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
	<-ack
	ackPool.Put(ack)
}

func (c *benchCommitter) stop() {
	close(c.wake)
	<-c.done
}

// BenchmarkRead reads 100 messages from the newest, from a place that only the disk knows, and by a client's position, while
// 20,000 messages a second are written.
func BenchmarkRead(b *testing.B) {
	l := benchLog(b, DurabilityFsync)
	var number uint64
	for range 200 {
		if err := l.Append(batchOf(500, &number)); err != nil {
			b.Fatal(err)
		}
	}
	h, err := l.Head("all")
	if err != nil {
		b.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				if err := l.Append(batchOf(100, &number)); err != nil {
					panic(err)
				}
			}
		}
	}()
	cases := []struct {
		name          string
		after, before func() uint64
	}{
		{"newest", zero, zero},
		{"paging", zero, func() uint64 { return h.First + 200 + rand.Uint64N(h.Last-h.First-2000) }},
		{"position", func() uint64 { return h.Last - 500 }, zero},
	}
	for _, test := range cases {
		b.Run(test.name, func(b *testing.B) {
			var took []time.Duration
			for range b.N {
				start := time.Now()
				msgs, _, err := l.Read("all", test.after(), test.before(), 100)
				took = append(took, time.Since(start))
				if err != nil || len(msgs) != 100 {
					b.Fatal(len(msgs), err)
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
		})
	}
	close(stop)
	<-stopped
}

func zero() uint64 { return 0 }

// BenchmarkColdConversations appends to conversations that are not in memory, of which there are many.
func BenchmarkColdConversations(b *testing.B) {
	l := benchLog(b, DurabilityOS)
	const convs = 100_000
	batch := make([]*Entry, 500)
	for i := range convs / len(batch) {
		for j := range batch {
			batch[j] = say(fmt.Sprintf("d/%d", i*len(batch)+j), 1, "", "hello")
		}
		if err := l.Append(batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	for n := 0; n < b.N; n += len(batch) {
		for j := range batch {
			batch[j] = say(fmt.Sprintf("d/%d", rand.IntN(convs)), 1, "", "hello")
		}
		if err := l.Append(batch); err != nil {
			b.Fatal(err)
		}
	}
}
