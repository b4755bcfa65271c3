package history

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/nats-io/nats.go"
)

// medium is what a log is on, and stays on when it is closed.
type medium interface {
	log(c Config) (Log, error)
	walk() (walker, error)
	fill() (target, error)
}

// inRAM is a folder in memory.
type inRAM struct {
	fs  vfs.FS
	now func() time.Time
}

func (d inRAM) log(c Config) (Log, error) {
	c.Logger = quiet
	l, err := open("data", c, ram(d.fs, d.now))
	if err != nil {
		return nil, err
	}
	return l, nil
}

func (d inRAM) walk() (walker, error) {
	f, err := walkFolder("data", ram(d.fs, d.now), quiet)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (d inRAM) fill() (target, error) {
	l, err := d.log(Config{moving: true})
	if err != nil {
		return nil, err
	}
	return filledFolder{l.(*pebbleLog)}, nil
}

// onNATS is a server.
type onNATS struct {
	t   testing.TB
	nc  *nats.Conn
	now func() time.Time
}

func (d onNATS) log(c Config) (Log, error) {
	c.Logger = quiet
	s, err := openStream(d.t.Context(), d.nc, StreamConfig{Config: c}, d.now)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (d onNATS) walk() (walker, error) {
	return walkServers(d.t.Context(), d.nc, quiet)
}

func (d onNATS) fill() (target, error) {
	l, err := d.log(Config{moving: true})
	if err != nil {
		return nil, err
	}
	return filledServers{l.(*Stream)}, nil
}

// media makes empty ones by name.
var media = map[string]func(t testing.TB, now func() time.Time) medium{
	"folder": func(_ testing.TB, now func() time.Time) medium { return inRAM{vfs.NewMem(), now} },
	"servers": func(t testing.TB, now func() time.Time) medium {
		return onNATS{t, connect(t, startServer(t, t.TempDir())), now}
	},
}

// eachMove runs a test for every kind of source and target.
func eachMove(t *testing.T, test func(t *testing.T, from, to medium, at *clock)) {
	for a, from := range media {
		for b, to := range media {
			t.Run(a+" to "+b, func(t *testing.T) {
				at := newClock()
				test(t, from(t, at.now), to(t, at.now), at)
			})
		}
	}
}

// use lets f use the log that is on a medium.
func use(t testing.TB, on medium, c Config, f func(Log)) {
	t.Helper()
	l, err := on.log(c)
	if err != nil {
		t.Fatal(err)
	}
	f(l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// moveOnce moves and closes both sides, whatever comes of it. wrap, if it is not nil, is put around the target.
func moveOnce(t testing.TB, from, to medium, wrap func(target) target) (Moved, error) {
	t.Helper()
	w, err := from.walk()
	if err != nil {
		return Moved{}, err
	}
	l, err := to.fill()
	if err != nil {
		return Moved{}, errors.Join(err, w.close())
	}
	if wrap != nil {
		l = wrap(l)
	}
	c := MoveConfig{InUse: func(context.Context) error { return nil }, Progress: func(Moved) {}}
	done, err := move(t.Context(), w, l, c)
	return done, errors.Join(err, l.Close(), w.close())
}

func mustMove(t testing.TB, from, to medium) Moved {
	t.Helper()
	done, err := moveOnce(t, from, to, nil)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// contents is all that a log has, without its seqs.
type contents struct {
	messages []Message
	claims   map[uint64]Claim
	directs  map[string]Direct
	marks    map[string][3]string // the ids that they are at
}

func contentsOf(t testing.TB, on medium) contents {
	t.Helper()
	w, err := on.walk()
	if err != nil {
		t.Fatal(err)
	}
	c := contents{claims: map[uint64]Claim{}, directs: map[string]Direct{}, marks: map[string][3]string{}}
	last := uint64(0)
	err = errors.Join(
		w.messages(t.Context(), 0, func(m Message) error {
			if m.Seq <= last {
				t.Errorf("seq %d behind %d", m.Seq, last)
			}
			last = m.Seq
			m.Seq, m.Prev = 0, 0
			c.messages = append(c.messages, m)
			return nil
		}),
		w.claims(t.Context(), func(one Claim) error { c.claims[one.ID] = one; return nil }),
		w.directs(t.Context(), func(claim uint64, d Direct) error {
			c.directs[fmt.Sprint(claim, " ", d.Conv)] = d
			return nil
		}),
		w.marks(t.Context(), func(claim uint64, conv string, m Marks) error {
			var mids [3]string
			for i, seq := range [...]uint64{m.Sent, m.Recv, m.Read} {
				if seq == 0 {
					continue
				}
				at, _, _, err := w.upTo(t.Context(), conv, seq)
				if mids[i] = at.Mid; err != nil {
					return err
				}
			}
			if mids != [3]string{} {
				c.marks[fmt.Sprint(claim, " ", conv)] = mids
			}
			return nil
		}),
	)
	if err := errors.Join(err, w.close()); err != nil {
		t.Fatal(err)
	}
	return c
}

// want compares a log with what it should have, as a walk sees it and as its users do.
func (c contents) want(t testing.TB, on medium) {
	t.Helper()
	got := contentsOf(t, on)
	if !equalAll(got.messages, c.messages) {
		t.Fatalf("%d messages, want %d: %v; want %v", len(got.messages), len(c.messages), midsOf(got.messages), midsOf(c.messages))
	}
	if !reflect.DeepEqual(got.claims, c.claims) || !reflect.DeepEqual(got.directs, c.directs) || !reflect.DeepEqual(got.marks, c.marks) {
		t.Fatalf("%+v\n%+v\n%+v; want\n%+v\n%+v\n%+v", got.claims, got.directs, got.marks, c.claims, c.directs, c.marks)
	}
	use(t, on, Config{}, func(l Log) {
		convs := map[string][]Message{}
		for _, m := range c.messages {
			convs[m.Conv] = append(convs[m.Conv], m)
		}
		for conv, want := range convs {
			msgs, more, err := l.Read(conv, 1, 0, len(want)+1)
			if err != nil || more || len(msgs) != len(want) {
				t.Fatalf("%s: %d messages, %v, %v; want %d", conv, len(msgs), more, err, len(want))
			}
			head, err := l.Head(conv)
			if err != nil {
				t.Fatal(err)
			}
			prev := head.Trimmed
			for i, m := range msgs {
				if m.Prev != prev || m.Mid != want[i].Mid {
					t.Errorf("%s: %s behind %d; want %s behind %d", conv, m.Mid, m.Prev, want[i].Mid, prev)
				}
				prev = m.Seq
				if found, ok, err := l.Find(m.Mid); !ok || err != nil || !equal(found, m) {
					t.Errorf("Find(%s) = %+v, %v, %v; want %+v", m.Mid, found, ok, err, m)
				}
			}
		}
		nicks := map[string]Claim{}
		for _, claim := range c.claims {
			if last, ok := nicks[claim.Key]; !ok || last.Made < claim.Made || last.Made == claim.Made && last.ID < claim.ID {
				nicks[claim.Key] = claim
			}
		}
		for key, want := range nicks {
			if got, ok, err := l.ClaimByNick(key); !ok || err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("ClaimByNick(%s) = %+v, %v, %v; want %+v", key, got, ok, err, want)
			}
		}
	})
}

func midsOf(msgs []Message) (mids []string) {
	for _, m := range msgs {
		mids = append(mids, m.Mid+string(m.Body))
	}
	return mids
}

// live lets people use a log for a while: they talk to all, in rooms and to each other, come and go, read, and are forgotten.
func live(t testing.TB, l Log, at *clock, n int, tag string) {
	t.Helper()
	for id := range uint64(6) {
		c := Claim{
			ID: id + 1, Nick: fmt.Sprint("Nick ", id/2), Key: fmt.Sprint("nick ", id/2), Secret: []byte{byte(id), 1, 2},
			Made: at.now().UnixMilli() + int64(id%3), Away: int64(id),
		}
		if err := l.SaveClaim(c); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		from, to := uint64(i%6+1), uint64((i/6)%6+1)
		e := say([]string{"all", "r/go", "r/Größe", direct(from, to)}[i%4], from, "", fmt.Sprint(tag, i))
		if i%3 == 0 {
			e.Cid = fmt.Sprint(tag, "ä ", i)
		}
		if i%4 == 3 {
			e.Peer, e.To = to, fmt.Sprint("nick ", to)
		}
		e.Room = []string{"", "Go", "Größe", ""}[i%4]
		must(t, l, e)
		l.Mark(to, e.Conv, Marks{Sent: e.Seq, Recv: e.Seq - uint64(i%2), Read: e.Seq / 2})
		at.advance(time.Second)
	}
	if err := l.DropClaim(6); err != nil {
		t.Fatal(err)
	}
}
