package room

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// queue is how much may wait for one connection in these tests.
const queue = 8 << 10

// fill makes a reader's queue be so full.
func (u *user) fill(bytes int) { u.peer.queue(bytes) }

// A reader whose queue is half full is told afterwards exactly which messages it did not get, in each conversation.
func TestGap(t *testing.T) {
	inBubble(t, Config{Queue: queue}, func(_ *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		for _, u := range []*user{alice, bob} {
			u.send(`{"t":"join","room":"go"}`)
		}
		alice.talk("", 1, 1)
		bob.fill(queue/2 - 1)
		alice.talk("", 2, 2)
		bob.sees("msg room:all alice: 1", "msg room:all alice: 2")
		bob.fill(queue / 2)
		missed := alice.talk("", 3, 5)
		inRoom := alice.talk(`,"room":"go"`, 6, 6)
		direct := alice.talk(`,"to_user":"bob"`, 7, 8)
		bob.fill(queue / 8) // it reads, but is not done
		missed = append(missed, alice.talk("", 9, 9)...)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		bob.sees()
		bob.fill(queue/8 - 1)
		alice.talk("", 10, 10)
		bob.sees(fmt.Sprintf("gap room:all %d-%d", missed[0], missed[3]), fmt.Sprintf("gap room:go %d-%d", inRoom[0], inRoom[0]),
			fmt.Sprintf("gap dm:alice %d-%d", direct[0], direct[1]), "msg room:all alice: 10")
		bob.send(`{"t":"history","id":1,"conv":"room:all","after":%d}`, missed[0]-1)
		bob.sees("history 1 room:all [3 4 5 9 10] false")
		bob.fill(queue / 2)
		last := alice.talk("", 11, 11)
		bob.fill(0)
		time.Sleep(time.Second + time.Millisecond) // nobody says anything more: the next tick tells it
		synctest.Wait()
		bob.sees(fmt.Sprintf("gap room:all %d-%d", last[0], last[0]))
		alice.talk("", 12, 12)
		bob.sees("msg room:all alice: 12")
	})
}

// What is of no use later is dropped, of presence the last word counts, and answers always pass.
func TestSlowReaderByClass(t *testing.T) {
	inBubble(t, Config{Queue: queue}, func(_ *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		time.Sleep(time.Second + time.Millisecond)
		synctest.Wait()
		bob.news()
		bob.wantsPresence = true
		bob.fill(queue / 2)
		alice.send(`{"t":"typing"}` + "\n" + `{"t":"typing","to_user":"bob"}`)
		for i := range 3 {
			c.in(fmt.Sprintf("u%d", i))
			time.Sleep(time.Second)
			synctest.Wait()
		}
		bob.sees()
		bob.send(`{"t":"ping","id":1}` + "\n" + `{"t":"msg","id":2,"message":1}`)
		bob.send(`{"t":"history","id":3,"conv":"room:all"}` +
			"\n" + `{"t":"join","id":4,"room":"go"}` + "\n" + `{"t":"leave","id":5,"room":"go"}` + "\n" + `{"t":"presence","id":6,"limit":1}`)
		got := bob.sees("pong 1", "ack 2 room:all", "history 3 room:all [1] false", "joined 4 room:go 1 false", "left 5 go",
			"presence 6 all 5 [alice]")
		bob.fill(0)
		time.Sleep(time.Second)
		synctest.Wait()
		bob.sees(fmt.Sprintf("gap room:all %d-%d", got[1].Seq, got[1].Seq), "presence room:all 5 +[u2] -[]")
	})
}

// Readers of the tutorial dialect, who could not page, get everything and are left to the engine.
func TestSlowTutorialReader(t *testing.T) {
	inBubble(t, Config{Queue: queue}, func(_ *testing.T, c *bubble) {
		alice, tut := c.in("alice"), c.old("tut")
		tut.fill(queue)
		alice.talk("", 1, 1)
		alice.talk(`,"to_user":"tut"`, 2, 2)
		tut.hears(`{"from_user":"alice","to_user":"","message":1}`, `{"from_user":"alice","to_user":"tut","message":2}`)
	})
}

// A reader that does not read at all is not cut off by what is said, however much it is and however it comes.
func TestSlowReaderIsNotCutOff(t *testing.T) {
	body := strings.Repeat("x", queue/16)
	inBubble(t, Config{Queue: queue, Shards: 1}, func(t *testing.T, c *bubble) {
		alice := c.in("alice")
		bob := c.meetOn("bob", &fakePeer{limit: queue})
		bob.hello("")
		bob.peer.slow(true)
		hold := true
		alice.peer.onSend = func() { // many messages pile up while the first one walks, and are joined
			if !hold {
				return
			}
			hold = false
			for i := range 100 {
				alice.write(`{"message":"%d %s"}`, i, body)
			}
			for c.shards[0].mail.len() < 100 {
				runtime.Gosched()
			}
		}
		alice.send(`{"message":"begin"}`)
		alice.news()
		bob.isClosed(0)
		bob.peer.slow(false)
		time.Sleep(time.Second + time.Millisecond)
		synctest.Wait()
		next := bob.seqs["room:all"] + 1
		all := uint64(0)
		for _, o := range bob.news() {
			switch o.T {
			case "msg":
				all++
			case "gap":
				if o.From < next {
					t.Fatalf("%v, and %d was sent", o, next-1)
				}
				all += o.To - o.From + 1
			}
		}
		if all != 101 {
			t.Fatalf("%d messages were sent or announced, want 101", all)
		}
	})
}

// What comes for a client while it is being told what it missed waits; when that is too much it becomes a gap, in which
// nothing is missing and nothing is that the client was told.
func TestGapOfWhatWasHeld(t *testing.T) {
	body := strings.Repeat("x", maxHeld/10)
	for _, isLate := range []bool{false, true} { // whether the log is read after all of it was said
		log := newFakeLog()
		inBubble(t, Config{Log: log, Queue: 64 << 20}, func(t *testing.T, c *bubble) {
			alice, bob := c.in("alice"), c.in("bob")
			first := alice.talk("", 1, 3)
			bob.drop()
			gate := make(chan struct{})
			if isLate {
				log.read = func(string) { <-gate }
			} else {
				log.hasRead = func() { <-gate }
			}
			back := c.meet("bob")
			back.write(`{"t":"hello","id":0%s,"pos":{"room:all":[%q,%d]}}`, bob.with(), alice.epoch, first[0])
			synctest.Wait()
			for i := range 30 {
				alice.write(`{"message":"%d %s"}`, i, body)
				synctest.Wait()
			}
			close(gate)
			time.Sleep(time.Second + time.Millisecond)
			synctest.Wait()
			alice.write(`{"message":"end"}`)
			synctest.Wait()
			seen := map[uint64]int{}
			var last uint64
			for _, o := range back.news() {
				switch o.T {
				case "msg":
					seen[o.Seq]++
					last = o.Seq
				case "gap":
					for seq := o.From; seq <= o.To; seq++ {
						seen[seq]++
					}
				}
			}
			for seq := first[1]; seq <= last; seq++ {
				if seen[seq] != 1 {
					t.Fatalf("late %v: seq %d came or was announced %d times", isLate, seq, seen[seq])
				}
			}
			if len(seen) != 33 {
				t.Fatalf("late %v: %d messages came or were announced, want 33", isLate, len(seen))
			}
		})
	}
}

// A reader that lags in very many conversations is cut off.
func TestTooManyGaps(t *testing.T) {
	inBubble(t, Config{Queue: queue, MaxRooms: maxLag + 1}, func(_ *testing.T, c *bubble) {
		bob := c.in("bob")
		alice := c.in("alice")
		for i := range maxLag + 1 {
			for _, u := range []*user{alice, bob} {
				u.write(`{"t":"join","room":"r%d"}`, i)
			}
		}
		synctest.Wait()
		bob.fill(queue)
		for i := range maxLag + 1 {
			bob.isClosed(0)
			alice.send(`{"room":"r%d","message":1}`, i)
		}
		bob.isClosed(4008)
	})
}
