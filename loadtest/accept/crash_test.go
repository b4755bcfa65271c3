package accept

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"throng/loadtest/client"
)

var (
	crashRounds = flag.Int("crash.rounds", 5, "how often TestCrash kills each server")
	crashSeed   = flag.Uint64("crash.seed", 0, "where TestCrash begins; 0: anywhere")
)

const (
	senders    = 5
	listeners  = 3
	window     = 8                      // messages of one sender that wait for their acks
	maxAcks    = 300                    // between two crashes
	crashPause = 100 * time.Millisecond // the clients' longest wait between two attempts
)

// TestCrash kills the server at random moments, under load. At the end all that was acknowledged is in the history, once and
// in order, and everybody has heard all of it.
func TestCrash(t *testing.T) {
	seed := *crashSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	for i, durability := range []string{"fsync", "os"} {
		t.Run(durability, func(t *testing.T) {
			t.Parallel()
			t.Logf("-crash.seed %d -crash.rounds %d", seed, *crashRounds)
			crash(t, boot(t, "--durability", durability), rand.New(rand.NewPCG(seed, uint64(i))))
		})
	}
}

func crash(t *testing.T, h *house, dice *rand.Rand) {
	l := newLedger()
	var people []*witness
	for i := range senders + listeners {
		people = append(people, enter(t, h.addr, fmt.Sprintf("p%d", i), crashPause, "go"))
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience+time.Duration(*crashRounds)*time.Second)
	defer cancel()
	stop := make(chan struct{})
	var talking sync.WaitGroup
	for i := range senders {
		own := rand.New(rand.NewPCG(dice.Uint64(), 0))
		talking.Go(func() {
			if err := talk(ctx, l, people, i, own, 0, stop); err != nil {
				t.Error(err)
			}
		})
	}
	for range *crashRounds {
		// One in four comes as early as can be, while the others are still coming back.
		acks := dice.IntN(maxAcks) * min(dice.IntN(4), 1)
		l.await(t, l.count()+acks)
		h.crash()
		h.start()
	}
	l.await(t, l.count()+1)
	close(stop)
	talking.Wait()
	for _, w := range people {
		w.audit(t, l)
	}
	t.Logf("%d acks; %s", l.count(), total(people))
}

// talkUntil has the first so many of people talk while something is done, with a pause between two things that one says. Its error is all
// of theirs: see talk.
func talkUntil(t *testing.T, l *ledger, people []*witness, many int, pause time.Duration, do func()) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	stop, errs := make(chan struct{}), make([]error, many)
	var talking sync.WaitGroup
	for i := range many {
		talking.Go(func() {
			errs[i] = talk(ctx, l, people, i, rand.New(rand.NewPCG(uint64(i), 0)), pause, stop)
		})
	}
	do()
	close(stop)
	talking.Wait()
	return errors.Join(errs...)
}

// talk has somebody say things to everyone, to the room and to others, until stop, and waits for all acks. pause is the time
// between two of them; 0: none but for acks. Who is refused goes on, and the refusals are in the error.
func talk(ctx context.Context, l *ledger, people []*witness, i int, dice *rand.Rand, pause time.Duration, stop <-chan struct{}) error {
	w := people[i]
	var waiting []*client.Sent
	var refusals error
	settle := func(sent *client.Sent) error {
		err := w.settle(ctx, sent, l)
		if _, ok := errors.AsType[*client.Error](err); ok {
			refusals = errors.Join(refusals, err)
			return nil
		}
		return err
	}
	pace := time.NewTicker(max(pause, 1))
	defer pace.Stop()
	for n := 0; ; n++ {
		if pause > 0 {
			<-pace.C
		}
		select {
		case <-stop:
			for _, sent := range waiting {
				if err := settle(sent); err != nil {
					return errors.Join(refusals, err)
				}
			}
			return refusals
		default:
		}
		to, room := "", ""
		switch dice.IntN(3) {
		case 0:
			room = "go"
		case 1:
			to = people[(i+1+dice.IntN(len(people)-1))%len(people)].nick
		}
		waiting = append(waiting, w.say(to, room, fmt.Sprintf("%s-%d", w.nick, n)))
		if len(waiting) < window {
			continue
		}
		if err := settle(waiting[0]); err != nil {
			return errors.Join(refusals, err)
		}
		waiting = waiting[1:]
	}
}
