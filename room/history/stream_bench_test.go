package history

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkStream is the cost of a message on an embedded server, in wall time and in CPU of the whole process, the server
// included. Followed: everyone's conversation comes back, too, as to a node.
func BenchmarkStream(b *testing.B) {
	for _, isFollowed := range []bool{false, true} {
		for _, size := range []int{1, 50, 1000} {
			b.Run(fmt.Sprintf("followed=%v/batch=%d", isFollowed, size), func(b *testing.B) {
				var got atomic.Int64
				s := onServer(b, connect(b, startServer(b, b.TempDir())), StreamConfig{Receive: func(Message) { got.Add(1) }}, time.Now)
				if isFollowed {
					if err := s.Follow("all"); err != nil {
						b.Fatal(err)
					}
				}
				var number uint64
				must(b, s, batchOf(2000, &number)...) // from now on all direct conversations are known
				var used time.Duration
				b.ReportAllocs()
				b.ResetTimer()
				for n := 0; n < b.N; n += size {
					b.StopTimer()
					batch := batchOf(size, &number)
					b.StartTimer()
					before := cpu()
					if err := s.Append(batch); err != nil {
						b.Fatal(err)
					}
					used += cpu() - before
				}
				b.ReportMetric(float64(used.Nanoseconds())/float64(b.N), "cpu-ns/msg")
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
			})
		}
	}
}

// BenchmarkStreamSteady is how long a message waits for its ack when 20,000 a second come and are stored as a committer does it:
// all that have come meanwhile at once.
func BenchmarkStreamSteady(b *testing.B) {
	const rate = 20_000
	s := onServer(b, connect(b, startServer(b, b.TempDir())), StreamConfig{Receive: func(Message) {}}, time.Now)
	if err := s.Follow("all"); err != nil {
		b.Fatal(err)
	}
	var number uint64
	must(b, s, batchOf(2000, &number)...)
	waited := make([]time.Duration, 0, b.N)
	b.ResetTimer()
	for begin := time.Now(); len(waited) < b.N; {
		due := min(int(time.Since(begin).Seconds()*rate), b.N, len(waited)+10_000)
		if due == len(waited) {
			time.Sleep(50 * time.Microsecond)
			continue
		}
		if err := s.Append(batchOf(due-len(waited), &number)); err != nil {
			b.Fatal(err)
		}
		for now := time.Since(begin); len(waited) < due; {
			waited = append(waited, now-time.Duration(len(waited))*time.Second/rate)
		}
	}
	slices.Sort(waited)
	b.ReportMetric(float64(waited[len(waited)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(waited[len(waited)*99/100].Microseconds())/1000, "p99-ms")
}

// BenchmarkStreamRead reads 50 messages from a place that only the servers know.
func BenchmarkStreamRead(b *testing.B) {
	s := onServer(b, connect(b, startServer(b, b.TempDir())), StreamConfig{}, time.Now)
	var number uint64
	for range 100 {
		must(b, s, batchOf(1000, &number)...)
	}
	h, err := s.Head("all")
	if err != nil {
		b.Fatal(err)
	}
	place := func() uint64 { return 2000 + rand.Uint64N(h.Last-4000) }
	for name, at := range map[string][2]func() uint64{"newest": {zero, zero}, "before": {zero, place}, "after": {place, zero}} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				if msgs, _, err := s.Read("all", at[0](), at[1](), 50); err != nil || len(msgs) != 50 {
					b.Fatal(len(msgs), err)
				}
			}
		})
	}
}
