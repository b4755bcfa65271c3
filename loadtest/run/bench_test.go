package run

import (
	"fmt"
	"io"
	"testing"

	"throng/loadtest"
	"throng/loadtest/ledger"
)

// BenchmarkHear is what a worker does with one broadcast of 200 bytes to one of 5,000 users, in both dialects, when each
// user gets one at a time or a burst. The frames are in the cache, as those are that a loop has just read.
func BenchmarkHear(b *testing.B) {
	for _, dialect := range []string{"tutorial", "v2"} {
		for _, burst := range []int{1, 20} {
			b.Run(fmt.Sprintf("%s/%d", dialect, burst), func(b *testing.B) { benchmarkHear(b, dialect, burst) })
		}
	}
}

func benchmarkHear(b *testing.B, dialect string, burst int) {
	const users = 5000
	w := &worker{wire: newWire(nil, io.Discard), meter: newMeter()}
	p := Plan{Addrs: []string{"127.0.0.1:1"}, Users: users, Scenario: "broadcast", Dialect: dialect, Talkers: 1}
	if err := w.prepare(&p.shares(1, 7, 0)[0]); err != nil {
		b.Fatal(err)
	}
	defer w.close()
	hear, socks := w.hear, make([]*loadtest.User, users)
	if dialect == "v2" {
		hear = w.hearV2
	}
	for id := range socks {
		socks[id] = &loadtest.User{ID: id}
		w.book.Joined(id, 0)
	}
	frames := make([][]byte, burst)
	number := 0
	b.ReportAllocs()
	for i := range b.N {
		if i%(users*burst) == 0 {
			for j := range frames {
				number++
				frames[j] = frameOf(dialect, number)
			}
		}
		hear(socks[i/burst%users], int64(b.N), frames[i%burst])
	}
	if found := w.book.Snapshot(); found.Delivered != int64(b.N) || found.Corrupted > 0 {
		b.Fatalf("%+v of %d", found, b.N)
	}
}

// frameOf is a broadcast of user 0 of run 7.
func frameOf(dialect string, number int) []byte {
	nick := ledger.Nick(7, 0)
	text := ledger.Stamp{Run: 7, Number: uint32(number), At: 1}.Append(nil, 200)
	if dialect == "tutorial" {
		return fmt.Appendf(nil, `{"from_user":"%s","to_user":"","message":"%s"}`, nick, text)
	}
	return fmt.Appendf(nil, `{"t":"msg","from_user":"%s","message":"%s","mid":"01HZX4Q2V7M8N3","seq":%d,"prev":%d,`+
		`"epoch":"9f8e7d6c5b4a","ts":1732300000000,"conv":"room:all"}`, nick, text, number, number-1)
}
