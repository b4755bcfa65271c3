package accept

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// chat says n messages to everyone, as a batch, and returns their seqs.
func (p *person) chat(n int) (seqs []uint64) {
	p.t.Helper()
	for from := 0; from < n; from += 250 {
		count := min(250, n-from)
		p.say(strings.Repeat("{\"message\":0}\n", count))
		for range count {
			seqs = append(seqs, p.hear(`{"t":"msg","from_user":*,"message":0,"mid":*,"seq":*,"prev":*,"epoch":*,"ts":*,"conv":"room:all"}`).seq("seq"))
		}
	}
	return seqs
}

// TestV2Recovery comes back with positions after the server was ended and started again: everything after each, or nothing.
func TestV2Recovery(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, boot booter) {
		for name, end := range restarts {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h := boot(t)
				alice, w := h.enter("alice")
				bob, wb := h.enter("bob")
				alice.say(`{"t":"join","id":1,"room":"go"}`)
				alice.hear(`{"t":"joined","id":1,"room":"go","conv":"room:go","members":1,"epoch":*,"seq":0,"recovered":false}`)
				seqs := alice.chat(5)
				alice.say(`{"room":"go","message":1}`)
				alice.hear(said("alice", "room:go", "1", inRoom("go")))
				bob.chat(0)
				end(h)
				h.start()
				alice, again := h.enter("alice", resume(w), pos(
					"room:all", at(w["epoch"], seqs[2]), "room:go", at(w["epoch"], 0), "dm:bob", at(w["epoch"], 0), "dm:eve", at(w["epoch"], 5), "room:none", at(w["epoch"], 0)))
				if again["epoch"] != w["epoch"] || again["nick"] != w["nick"] || again["resume"] != w["resume"] {
					t.Errorf("welcome %v after %v", again, w)
				}
				if want := `{"dm:bob":true,"dm:eve":false,"room:all":true,"room:go":true,"room:none":true}`; again["recovered"] != want {
					t.Errorf("recovered %s, want %s", again["recovered"], want)
				}
				for i, prev := range seqs[2:4] {
					alice.hear(fmt.Sprintf(`{"t":"msg","from_user":"alice","message":0,"mid":*,"seq":%d,"prev":%d,"epoch":%s,"ts":*,"conv":"room:all"}`, seqs[3+i], prev, w["epoch"]))
				}
				alice.hear(said("alice", "room:go", "1", inRoom("go")))
				// She is in the rooms that she had a position for.
				alice.say(`{"id":1,"room":"go","message":2}`)
				o := alice.hearAll(`{"t":"ack","id":1,"mid":*,"conv":"room:go","seq":*,"ts":*,"dur":"fsync"}`, said("alice", "room:go", "2", inRoom("go")))
				if o[0].seq("seq") <= slices.Max(seqs) {
					t.Errorf("seq %s comes again after %v", o[0]["seq"], seqs)
				}
				// Positions that are gone.
				for _, from := range []string{at(`"other"`, seqs[2]), at(w["epoch"], 1<<62)} {
					_, refused := h.enter("bob", resume(wb), pos("room:all", from))
					if refused["recovered"] != `{"room:all":false}` {
						t.Errorf("from %s: recovered %s", from, refused["recovered"])
					}
				}
			})
		}
	})
}

// chatter has a person say one word after the other, and hear it, until stop, which returns what went wrong. Each word first
// takes a place in lead, if that is not nil.
func (p *person) chatter(lead chan<- struct{}) (stop func() error) {
	ended, failed := make(chan struct{}), make(chan error, 1)
	say := func() error {
		if _, err := p.conn.Write(masked(`{"message":0}`)); err != nil {
			return err
		}
		_, err := p.text()
		return err
	}
	go func() {
		var err error
		for err == nil {
			select {
			case <-ended:
				failed <- nil
				return
			default:
			}
			if lead != nil {
				select {
				case <-ended:
					continue
				case lead <- struct{}{}:
				}
			}
			err = say()
		}
		failed <- err
	}()
	return func() error {
		close(ended)
		return <-failed
	}
}

// TestV2RecoveryAlive comes back with a position while somebody is talking: between what was missed and what comes nothing
// is lost, and nothing comes twice.
func TestV2RecoveryAlive(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, boot booter) {
		h := boot(t, "--durability", "os")
		bob, w := h.enter("bob")
		talker, _ := h.enter("talker")
		unheard := make(chan struct{}, 1000) // fewer than recovery brings at most
		stop := talker.chatter(unheard)
		last := uint64(0)
		for range 200 {
			bob.conn.Close()
			var again object
			if bob, again = h.enter("bob", resume(w), pos("room:all", at(w["epoch"], last))); again["recovered"] != `{"room:all":true}` {
				t.Fatalf("recovered %s", again["recovered"])
			}
			for range 10 {
				o := bob.next()
				if o["t"] != `"msg"` || o.seq("prev") != last {
					t.Fatalf("after %d comes %v", last, o)
				}
				last = o.seq("seq")
				<-unheard
			}
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestV2Neighbours has people hang up rudely while they are spoken to, and others come in at the same time: each newcomer is
// served, whoever had its socket's number before.
func TestV2Neighbours(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, boot booter) {
		h := boot(t, "--durability", "os")
		talker, _ := h.enter("talker")
		stop := talker.chatter(nil)
		var comings sync.WaitGroup
		for i := range 8 {
			comings.Go(func() {
				for range 200 {
					if err := h.comeAndGo(fmt.Sprint("n", i)); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		comings.Wait()
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// comeAndGo has somebody come in, be served, and be gone without a word.
func (h *house) comeAndGo(nick string) error {
	p, answer, err := h.call("/conn/ws/"+nick, "")
	if err != nil {
		return fmt.Errorf("the handshake: %w", err)
	}
	if p == nil {
		if answer.StatusCode == http.StatusConflict {
			return nil // the server does not know yet that the one before is gone
		}
		return errors.New(answer.Status)
	}
	defer p.conn.Close()
	_ = p.conn.(*net.TCPConn).SetLinger(0) // what is under way to it is answered by a reset
	if _, err := p.conn.Write(masked(`{}`)); err != nil {
		return fmt.Errorf("after the upgrade: %w", err)
	}
	for {
		text, err := p.text()
		if err != nil {
			return fmt.Errorf("after the upgrade: %w", err)
		}
		if strings.HasPrefix(text, `{"from_user":"system"`) {
			return nil
		}
	}
}

// TestV2RecoveryGone misses more than the server brings, or what was trimmed.
func TestV2RecoveryGone(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, boot booter) {
		h := boot(t, "--durability", "os", "--keep-count", "3000")
		bob, w := h.enter("bob")
		bob.bye()
		alice, _ := h.enter("alice")
		seqs := alice.chat(1001)
		for from, want := range map[uint64]string{0: "false", seqs[0]: "true", seqs[999]: "true"} {
			p, again := h.enter("bob", resume(w), pos("room:all", at(w["epoch"], from)))
			if again["recovered"] != `{"room:all":`+want+`}` {
				t.Errorf("from %d: recovered %s, want %s", from, again["recovered"], want)
			}
			for _, seq := range seqs {
				if want == "true" && seq > from {
					if o := p.next(); o.seq("seq") != seq {
						t.Fatalf("from %d: got %v, want seq %d", from, o, seq)
					}
				}
			}
			p.ask(`{"t":"ping","id":1}`, `{"t":"pong","id":1,"ts":*}`)
		}
		seqs = append(seqs, alice.chat(3000)...)
		first := uint64(0)
		for first <= seqs[1] { // retention takes a moment
			alice.say(`{"t":"history","id":1,"conv":"room:all","after":0,"limit":1}`)
			first = history(t, alice).Msgs[0].Seq
		}
		_, again := h.enter("bob", resume(w), pos("room:all", at(w["epoch"], seqs[0])))
		if again["recovered"] != `{"room:all":false}` {
			t.Errorf("what was trimmed: recovered %s", again["recovered"])
		}
	})
}
