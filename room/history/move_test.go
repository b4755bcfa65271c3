package history

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
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

func TestMove(t *testing.T) {
	eachMove(t, func(t *testing.T, from, to medium, at *clock) {
		var epoch string
		use(t, from, Config{}, func(l Log) {
			live(t, l, at, 100, "a")
			epoch = l.Epoch()
		})
		// A clock that is set back, and a Cid that comes again long after.
		at.advance(-time.Hour)
		use(t, from, Config{KeepCount: 20}, func(l Log) {
			live(t, l, at, 100, "b")
			trimNow(t, l)
			l.Mark(3, "all", Marks{Sent: math.MaxInt64 >> 8, Recv: 5})
		})
		before := contentsOf(t, from)
		if done := mustMove(t, from, to); done.Messages != len(before.messages) || done.Claims != len(before.claims) || done.IsDone || done.Resumed {
			t.Errorf("%+v", done)
		}
		before.want(t, to)
		use(t, to, Config{}, func(l Log) {
			if l.Epoch() == epoch || len(l.Epoch()) != len(epoch) {
				t.Errorf("epoch %s after %s", l.Epoch(), epoch)
			}
		})
		if done := mustMove(t, from, to); !done.IsDone || done.Messages != 0 {
			t.Errorf("again: %+v", done)
		}
		before.want(t, from)
	})
}

// A log is moved, goes on, and is moved again and back: the ids are of three logs then.
func TestMoveOn(t *testing.T) {
	eachMove(t, func(t *testing.T, first, second medium, at *clock) {
		kind := "folder"
		if _, isFolder := first.(inRAM); !isFolder {
			kind = "servers"
		}
		third := media[kind](t, at.now)
		use(t, first, Config{}, func(l Log) { live(t, l, at, 60, "a") })
		mustMove(t, first, second)
		use(t, second, Config{}, func(l Log) { live(t, l, at, 60, "b") })
		mustMove(t, second, third)
		use(t, third, Config{}, func(l Log) { live(t, l, at, 30, "c") })
		all := contentsOf(t, third)
		if len(all.messages) != 150 {
			t.Fatalf("%d messages", len(all.messages))
		}
		all.want(t, third)
		fourth := media[kind](t, at.now)
		mustMove(t, third, fourth)
		all.want(t, fourth)
	})
}

// errStop is a move that was stopped.
var errStop = errors.New("stopped")

// stopped is a target whose move is stopped after so many steps, of which the last may have been done all the same.
type stopped struct {
	target
	left   *int
	isLate bool
}

func (s stopped) step(f func() error) error {
	*s.left--
	switch {
	case *s.left > 0:
		return f()
	case *s.left == 0 && s.isLate:
		return errors.Join(errStop, f())
	}
	return errStop
}

func (s stopped) note(ctx context.Context, o origin) error {
	return s.step(func() error { return s.target.note(ctx, o) })
}

func (s stopped) clear(ctx context.Context) error {
	return s.step(func() error { return s.target.clear(ctx) })
}

func (s stopped) list(ctx context.Context, all []listed) error {
	return s.step(func() error { return s.target.list(ctx, all) })
}

func (s stopped) flush(ctx context.Context) error {
	return s.step(func() error { return s.target.flush(ctx) })
}

// fill stores one message a step, so that a batch may be stored in part.
func (s stopped) fill(ctx context.Context, batch []*Entry, last uint64) error {
	for i := range batch {
		if err := s.step(func() error { return s.target.fill(ctx, batch[i:i+1], last) }); err != nil {
			return err
		}
		last = batch[i].Seq
	}
	return nil
}

// A move that is stopped anywhere is finished by the next; until then nobody else can open the target.
func TestMoveStopped(t *testing.T) {
	eachMove(t, func(t *testing.T, from, to medium, at *clock) {
		older := inRAM{vfs.NewMem(), at.now}
		use(t, older, Config{}, func(l Log) { live(t, l, at, 12, "a") })
		mustMove(t, older, from)
		use(t, from, Config{}, func(l Log) { live(t, l, at, 12, "b") }) // its ids are of two logs
		before := contentsOf(t, from)
		r := rng(1)
		for stops := 0; ; stops++ {
			left, isLate := 1+r.IntN(8), r.IntN(2) == 0 // each time it gets a little further
			_, err := moveOnce(t, from, to, func(l target) target { return stopped{l, &left, isLate} })
			if err == nil {
				t.Logf("stopped %d times", stops)
				break
			}
			if !errors.Is(err, errStop) || stops > 500 {
				t.Fatal(stops, err)
			}
			l, err := to.fill()
			if err != nil {
				t.Fatal(err)
			}
			begun := l.begun()
			release(l)
			if begun == nil || begun.Done {
				continue // before the first step, or after the last
			}
			if _, err := to.log(Config{}); !errors.Is(err, ErrUnfinished) {
				t.Fatalf("the target opens: %v", err)
			}
		}
		before.want(t, to)
	})
}

// Wherever a move is stopped, before a step or behind it, the next one finishes it.
func TestMoveStoppedAnywhere(t *testing.T) {
	for name, to := range media {
		t.Run(name, func(t *testing.T) {
			at := newClock()
			older, from := inRAM{vfs.NewMem(), at.now}, inRAM{vfs.NewMem(), at.now}
			use(t, older, Config{}, func(l Log) { live(t, l, at, 6, "a") })
			mustMove(t, older, from)
			use(t, from, Config{}, func(l Log) { live(t, l, at, 6, "b") })
			before := contentsOf(t, from)
			steps := 0
			for err := errStop; err != nil; steps++ {
				for _, isLate := range []bool{false, true} {
					left, on := steps+1, to(t, at.now)
					if _, err = moveOnce(t, from, on, func(l target) target { return stopped{l, &left, isLate} }); err != nil && !errors.Is(err, errStop) {
						t.Fatal(err)
					}
					mustMove(t, from, on)
					before.want(t, on)
				}
			}
			if steps < 12+6 {
				t.Errorf("%d steps", steps)
			}
		})
	}
}

func TestMoveRefused(t *testing.T) {
	eachMove(t, func(t *testing.T, from, to medium, at *clock) {
		if _, err := from.walk(); !errors.Is(err, errNoLog) {
			t.Errorf("no source: %v", err)
		}
		use(t, from, Config{}, func(l Log) { live(t, l, at, 12, "a") })
		other := inRAM{vfs.NewMem(), at.now}
		use(t, other, Config{}, func(l Log) { must(t, l, say("all", 1, "", "x")) })
		for name, make := range map[string]func(Log){
			"a message": func(l Log) { must(t, l, say("all", 1, "", "x")) },
			"a claim": func(l Log) {
				if err := l.SaveClaim(Claim{ID: 1, Nick: "a", Key: "a"}); err != nil {
					t.Fatal(err)
				}
			},
		} {
			kind := "servers"
			if _, isFolder := to.(inRAM); isFolder {
				kind = "folder"
			}
			taken := media[kind](t, at.now)
			use(t, taken, Config{}, make)
			if _, err := moveOnce(t, from, taken, nil); !errors.Is(err, ErrTaken) {
				t.Errorf("a target that has %s: %v", name, err)
			}
			use(t, taken, Config{}, func(Log) {}) // and is as it was
		}
		use(t, to, Config{}, func(Log) {}) // an empty log may be filled
		left := 8
		if _, err := moveOnce(t, from, to, func(l target) target { return stopped{l, &left, false} }); !errors.Is(err, errStop) {
			t.Fatal(err)
		}
		if _, err := moveOnce(t, other, to, nil); !errors.Is(err, ErrTaken) {
			t.Errorf("another source: %v", err)
		}
	})
}

// What is unfinished is no source.
func TestMoveUnfinishedOn(t *testing.T) {
	at := newClock()
	a, b, c := inRAM{vfs.NewMem(), at.now}, inRAM{vfs.NewMem(), at.now}, inRAM{vfs.NewMem(), at.now}
	use(t, a, Config{}, func(l Log) { live(t, l, at, 12, "a") })
	left := 8
	if _, err := moveOnce(t, a, b, func(l target) target { return stopped{l, &left, false} }); !errors.Is(err, errStop) {
		t.Fatal(err)
	}
	if _, err := moveOnce(t, b, c, nil); !errors.Is(err, ErrUnfinished) {
		t.Errorf("%v", err)
	}
}

// The source goes on after a move was stopped: what came is moved too, what was forgotten is not there. If the message at which it was
// stopped is gone, nothing can be done.
func TestMoveChanged(t *testing.T) {
	eachMove(t, func(t *testing.T, from, to medium, at *clock) {
		use(t, from, Config{}, func(l Log) { live(t, l, at, 24, "a") })
		steps := 2 + 24 + 1 + 1 + 2 // the notes, all messages, the end of them, clear, claims and directs
		if _, err := moveOnce(t, from, to, func(l target) target { return stopped{l, &steps, false} }); !errors.Is(err, errStop) {
			t.Fatal(err)
		}
		use(t, from, Config{}, func(l Log) {
			if err := l.DropClaim(2); err != nil {
				t.Fatal(err)
			}
			must(t, l, say("all", 1, "", "more"))
		})
		before := contentsOf(t, from)
		if done := mustMove(t, from, to); !done.Resumed || done.Messages != 1 {
			t.Errorf("%+v", done)
		}
		before.want(t, to)
	})
}

func TestMoveLostItsPlace(t *testing.T) {
	at := newClock()
	from, to := inRAM{vfs.NewMem(), at.now}, inRAM{vfs.NewMem(), at.now}
	use(t, from, Config{}, func(l Log) { live(t, l, at, 24, "a") })
	left := 8
	if _, err := moveOnce(t, from, to, func(l target) target { return stopped{l, &left, false} }); !errors.Is(err, errStop) {
		t.Fatal(err)
	}
	use(t, from, Config{KeepCount: 1}, func(l Log) { trimNow(t, l) })
	if _, err := moveOnce(t, from, to, nil); !errors.Is(err, ErrChanged) {
		t.Errorf("%v", err)
	}
}

// A message that was just stored may be repeated after the move, and is known; one of long ago may come again.
func TestMoveRepeats(t *testing.T) {
	eachMove(t, func(t *testing.T, from, to medium, at *clock) {
		conf := Config{Dedup: time.Minute}
		_, isFolder := from.(inRAM)
		var old, young *Entry
		use(t, from, conf, func(l Log) {
			old = say("all", 1, "again", "old")
			must(t, l, old)
			at.advance(time.Hour)
			if isFolder { // the servers' clock is the real one
				must(t, l, say("all", 1, "again", "the same cid"), say("all", 2, "x", "between"))
			}
			at.advance(time.Hour)
			young = say("r/go", 1, "young", "young")
			must(t, l, young)
		})
		before := contentsOf(t, from)
		mustMove(t, from, to)
		before.want(t, to)
		use(t, to, Config{}, func(l Log) {
			again, fresh, probe := say("r/go", 1, "young", "repeat"), say("all", 1, "again", "new"), say("r/go", 1, "young", "")
			probe.Probe = true
			must(t, l, again, fresh)
			must(t, l, probe)
			for _, e := range []*Entry{again, probe} {
				if !e.Known || e.Mid != young.Mid || texts([]Message{e.Message}) != "young" {
					t.Errorf("repeat: %+v; want %s known", e, young.Mid)
				}
			}
			if fresh.Known || fresh.Mid == old.Mid {
				t.Errorf("of long ago: %+v", fresh)
			}
			if m, ok, err := l.Find(fresh.Mid); !ok || err != nil || m.Seq != fresh.Seq {
				t.Errorf("Find(%s) = %+v, %v, %v", fresh.Mid, m, ok, err)
			}
		})
	})
}

// Two young messages of one claim may have the same Cid when the clock was set back between them.
func TestMoveSameCidYoung(t *testing.T) {
	for name, to := range media {
		t.Run(name, func(t *testing.T) {
			at := newClock()
			from, to := inRAM{vfs.NewMem(), at.now}, to(t, at.now)
			use(t, from, Config{Dedup: time.Second}, func(l Log) {
				must(t, l, say("all", 1, "x", "a"), say("all", 1, "y", "b"))
				at.advance(10 * time.Second)
				must(t, l, say("all", 1, "x", "c"), say("all", 1, "z", "d"))
			})
			before := contentsOf(t, from)
			if len(before.messages) != 4 {
				t.Fatalf("%d messages", len(before.messages))
			}
			mustMove(t, from, to)
			before.want(t, to)
		})
	}
}

// More than one batch, and many claims.
func TestMoveMany(t *testing.T) {
	eachMove(t, func(t *testing.T, from, to medium, at *clock) {
		const n = 2*moveBatch + 100
		use(t, from, Config{Durability: DurabilityOS}, func(l Log) {
			var batch []*Entry
			for i := range n {
				a, b := uint64(i%40+1), uint64(i%40+2)
				e := say(direct(a, b), a, "", fmt.Sprint(i))
				e.Peer, e.To = b, fmt.Sprint("nick ", b)
				batch = append(batch, e)
			}
			must(t, l, batch...)
			for i, e := range batch {
				l.Mark(uint64(i+1), e.Conv, Marks{Read: e.Seq})
			}
			var claims []uint64
			for i := range 300 {
				claims = append(claims, uint64(i+1))
			}
			err := atOnce(claims, func(id uint64) error {
				return l.SaveClaim(Claim{ID: id, Nick: "n", Key: fmt.Sprint("n", id%10), Made: int64(id), Secret: []byte{1}})
			})
			if err != nil {
				t.Fatal(err)
			}
		})
		before := contentsOf(t, from)
		done := mustMove(t, from, to)
		if done.Messages != n || done.Claims != 300 || done.Directs != 2*40 || done.Marks != n {
			t.Errorf("%+v", done)
		}
		before.want(t, to)
	})
}

// A folder that a server has is refused; one whose server was killed is read as it is, and no file of it is changed.
func TestMoveLeavesSource(t *testing.T) {
	at := newClock()
	fs := vfs.NewCrashableMem()
	l := onRAM(t, fs, Config{}, at.now)
	live(t, l, at, 50, "a")
	if _, err := (inRAM{fs, at.now}).walk(); !errors.Is(err, ErrLocked) {
		t.Errorf("in use: %v", err)
	}
	killed := fs.CrashClone(vfs.CrashCloneCfg{})
	before := filesOf(t, killed)
	from, to := inRAM{killed, at.now}, inRAM{vfs.NewMem(), at.now}
	mustMove(t, from, to)
	if after := filesOf(t, killed); len(before) == 0 || !maps.Equal(before, after) {
		t.Errorf("files %v; want %v", slices.Sorted(maps.Keys(after)), slices.Sorted(maps.Keys(before)))
	}
	contentsOf(t, from).want(t, to)
}

// filesOf are the files of a log, by name.
func filesOf(t testing.TB, fs vfs.FS) map[string]string {
	t.Helper()
	names, err := fs.List("data")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, name := range names {
		f, err := fs.Open(fs.PathJoin("data", name))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(f)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	return files
}

// restarting is a target of which a server goes away in the middle, and comes back.
type restarting struct {
	target
	fills *int
	stop  func()
	start func()
}

func (r restarting) fill(ctx context.Context, batch []*Entry, last uint64) error {
	*r.fills++
	switch *r.fills {
	case 3:
		r.stop()
	case 6:
		r.start()
	}
	for i := 0; i < len(batch); i += 50 {
		part := batch[i:min(i+50, len(batch))]
		if err := r.target.fill(ctx, part, last); err != nil {
			return err
		}
		last = part[len(part)-1].Seq
	}
	return nil
}

// One of three servers ends and comes back while they are filled: the move waits for the others, and stores nothing twice.
func TestMoveQuorum(t *testing.T) {
	if testing.Short() {
		t.Skip("three servers take their time")
	}
	clock := newClock()
	from := inRAM{vfs.NewMem(), clock.now}
	use(t, from, Config{Durability: DurabilityOS}, func(l Log) {
		live(t, l, clock, 100, "a")
		var batch []*Entry
		for i := range 8 * moveBatch {
			batch = append(batch, say("all", 1, fmt.Sprint("cid", i), fmt.Sprint(i)))
		}
		must(t, l, batch...)
	})
	in, restart := three(t)
	nc := connect(t, in[0])
	var s *Stream
	for s == nil { // the servers have to find each other
		var err error
		s, err = openStream(t.Context(), nc, StreamConfig{Config: Config{Logger: quiet, moving: true}, Replicas: 3}, clock.now)
		if err != nil && pause(t.Context(), 100*time.Millisecond) != nil {
			t.Fatal(err)
		}
	}
	w, err := from.walk()
	if err != nil {
		t.Fatal(err)
	}
	fills := 0
	to := restarting{filledServers{s}, &fills, func() { stopServer(in[1]) }, func() { restart(1) }}
	done, err := move(t.Context(), w, to, MoveConfig{InUse: func(context.Context) error { return nil }, Progress: func(Moved) {}})
	if err := errors.Join(err, to.Close(), w.close()); err != nil || fills < 7 {
		t.Fatalf("%+v, %d batches, %v", done, fills, err)
	}
	contentsOf(t, from).want(t, onNATS{t, nc, clock.now})
}
