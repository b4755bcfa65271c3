package accept

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"throng/loadtest/client"
)

var (
	chaosRounds = flag.Int("chaos.rounds", 2, "how many faults TestChaos has")
	chaosSeed   = flag.Uint64("chaos.seed", 0, "where TestChaos begins; 0: anywhere")
)

const (
	nodesInChaos    = 3
	talkers         = 6
	quiet           = 3                      // people who only listen
	talkPause       = 30 * time.Millisecond  // between two messages of one
	slowest         = 200 * time.Millisecond // that something takes on a slow wire
	recoverPatience = 2 * time.Minute
	dialPatience    = time.Second // until the next node is tried
)

// ring is three nodes, each with NATS inside, joined by wires that can fail, and a door before them that gives each one who comes to
// the next node which answers.
type ring struct {
	t     *testing.T
	wires wires
	nodes []*node
	busy  []sync.Mutex // of a node: held while something is done to it
	door  *link
}

func bootRing(t *testing.T, w wires) *ring {
	t.Helper()
	r := &ring{t: t, wires: w, busy: make([]sync.Mutex, nodesInChaos)}
	for i := range nodesInChaos {
		ip, within, args := w.host(i)
		n := newNode(t, filepath.Join(t.TempDir(), fmt.Sprint("node", i)), slices.Concat(
			[]string{"--admin", net.JoinHostPort(ip, "0"), "--nats", "embedded"}, args))
		n.addr, n.within = net.JoinHostPort(ip, "0"), within
		r.nodes = append(r.nodes, n)
	}
	var starting sync.WaitGroup
	for _, n := range r.nodes {
		starting.Go(func() {
			if err := n.launch(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	starting.Wait()
	if t.Failed() {
		t.FailNow()
	}
	next, addrs := &turn{}, make([]string, len(r.nodes))
	for i, n := range r.nodes {
		addrs[i] = n.addr // which it keeps
	}
	r.door = newLink(t, "127.0.0.1", func() (conn net.Conn, err error) {
		for range r.nodes {
			if conn, err = net.DialTimeout("tcp", addrs[next.of(len(addrs))], dialPatience); err == nil {
				return conn, nil
			}
		}
		return nil, err
	})
	return r
}

// fault is something that happens to a node, of which it recovers.
type fault struct {
	kind  string
	node  int
	other int           // where it is a line's
	after time.Duration // since the one before began
	lasts time.Duration
	moves bool // those who are at the node look for another
}

func (f fault) String() string {
	return fmt.Sprintf("%-5s node %d (%d), after %v for %v, its people move: %t", f.kind, f.node, f.other, f.after, f.lasts, f.moves)
}

// faults is what can happen.
var faults = map[string]func(r *ring, f fault) error{
	"kill": func(r *ring, f fault) error {
		r.nodes[f.node].crash()
		wait(f.lasts)
		return r.restart(f.node)
	},
	"stop": func(r *ring, f fault) error {
		if err := r.nodes[f.node].Stop(); err != nil {
			return err
		}
		return r.restart(f.node)
	},
	"hang": func(r *ring, f fault) error {
		if err := syscall.Kill(r.nodes[f.node].Pid, syscall.SIGSTOP); err != nil {
			return err
		}
		r.move(f)
		return syscall.Kill(r.nodes[f.node].Pid, syscall.SIGCONT)
	},
	"cut":  func(r *ring, f fault) error { return r.during(f, r.wires.cut(f.node)) },
	"part": func(r *ring, f fault) error { return r.during(f, r.wires.part(f.node, f.other)) },
	"slow": func(r *ring, f fault) error {
		return r.during(f, r.wires.slow(f.node, slowest*time.Duration(1+f.other)/nodesInChaos))
	},
}

// plan is what will happen, from a seed.
func plan(seed uint64, rounds int) (all []fault) {
	dice := rand.New(rand.NewPCG(seed, 0))
	kinds := []string{"kill", "kill", "stop", "hang", "cut", "part", "slow"}
	for range rounds {
		f := fault{kind: kinds[dice.IntN(len(kinds))], node: dice.IntN(nodesInChaos), moves: dice.IntN(2) == 0}
		f.other = (f.node + 1 + dice.IntN(nodesInChaos-1)) % nodesInChaos
		f.after = time.Duration(500+dice.IntN(5000)) * time.Millisecond
		f.lasts = time.Duration(dice.IntN(4000)) * time.Millisecond
		if f.kind != "kill" {
			f.lasts = time.Duration(1000+dice.IntN(11000)) * time.Millisecond
		}
		all = append(all, f)
	}
	return all
}

// wait lets a fault last: time is what it is made of.
func wait(d time.Duration) { time.Sleep(d) }

// restart starts a node again. It needs the others for that, who may be away themselves.
func (r *ring) restart(i int) error {
	var err error
	for until := time.Now().Add(recoverPatience); time.Now().Before(until); {
		if err = r.nodes[i].launch(r.t.Context()); err == nil {
			return nil
		}
		r.t.Logf("node %d does not start yet: %.300v", i, err)
	}
	return err
}

// move lets a fault last, and has people look for another node if they are to.
func (r *ring) move(f fault) {
	wait(f.lasts / 2)
	if f.moves {
		r.door.hangUp(r.nodes[f.node].addr)
	}
	wait(f.lasts - f.lasts/2)
}

// during lets wires be as they are until the fault is over.
func (r *ring) during(f fault, heal func()) error {
	r.move(f)
	heal()
	return nil
}

// run has faults happen, which may overlap, and returns when all is well again.
func (r *ring) run(all []fault) {
	began := time.Now()
	var running sync.WaitGroup
	for _, f := range all {
		wait(f.after)
		r.busy[f.node].Lock()
		r.t.Logf("%5.1f s: %v", time.Since(began).Seconds(), f)
		running.Go(func() {
			defer r.busy[f.node].Unlock()
			if err := faults[f.kind](r, f); err != nil {
				r.t.Errorf("%v: %v", f, err)
			}
			r.t.Logf("%5.1f s: %s of node %d is over", time.Since(began).Seconds(), f.kind, f.node)
		})
	}
	running.Wait()
}

// isWell waits until all nodes are ready.
func (r *ring) isWell() {
	r.t.Helper()
	began := time.Now()
	for i, n := range r.nodes {
		for until := began.Add(recoverPatience); ; time.Sleep(50 * time.Millisecond) {
			status, text := n.ready(r.t)
			if status == http.StatusOK {
				break
			}
			if time.Now().After(until) {
				r.t.Fatalf("node %d is not ready %v after all has healed: %s", i, recoverPatience, text)
			}
		}
	}
	r.t.Logf("all were ready %v after the last fault", time.Since(began).Round(time.Millisecond))
}

// TestChaos has three nodes be killed, stopped, hung, cut off and slowed down under load. At the end all that was acknowledged
// is in the history, once and in order, everybody has heard all of it, and all nodes agree on it and on who is there.
func TestChaos(t *testing.T) {
	if inNamespace(t, fmt.Sprint("-chaos.rounds=", *chaosRounds), fmt.Sprint("-chaos.seed=", *chaosSeed)) {
		return
	}
	join := newLines
	if os.Getenv(insideVar) != "" {
		join = newCables
	}
	seed := *chaosSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-chaos.seed %d -chaos.rounds %d", seed, *chaosRounds)
	all := plan(seed, *chaosRounds)
	r, l := bootRing(t, join(t)), newLedger()
	var people []*witness
	var nicks []string
	for i := range talkers + quiet {
		nick := fmt.Sprintf("p%d", i)
		people, nicks = append(people, enter(t, r.door.addr(), nick, time.Second, "go")), append(nicks, nick)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(*chaosRounds)*20*time.Second+2*recoverPatience)
	defer cancel()
	stop := make(chan struct{})
	var talking sync.WaitGroup
	for i := range talkers {
		own := rand.New(rand.NewPCG(seed, uint64(i+1)))
		talking.Go(func() {
			if err := talk(ctx, l, people, i, own, talkPause, stop); err != nil {
				t.Error(err)
			}
		})
	}
	l.await(t, 100)
	r.run(all)
	r.isWell()
	l.await(t, l.count()+100)
	close(stop)
	time.AfterFunc(recoverPatience, cancel) // who is not answered by then never is
	talking.Wait()
	for _, w := range people {
		if err := w.Err(); err != nil {
			t.Errorf("%s was sent away for good: %v", w.nick, err)
			continue
		}
		w.audit(t, l)
	}
	r.agree(l, nicks)
	t.Logf("%d acks; %s", l.count(), total(people))
}

// agree checks that all nodes have the same messages and people.
func (r *ring) agree(l *ledger, nicks []string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	var auditors []*person
	for i, n := range r.nodes {
		nick := fmt.Sprint("auditor", i)
		w := enter(r.t, n.addr, nick, time.Second)
		for _, room := range []string{"all", "go"} {
			_, err := w.Join(ctx, room, client.Position{})
			all, err2 := w.History(ctx, "room:"+room, 0)
			if err := errors.Join(err, err2); err != nil {
				r.t.Fatalf("node %d: %v", i, err)
			}
			checkChain(r.t, nick, all)
			l.check(r.t, nick, "room:"+room, all)
			if want := l.in("room:" + room); len(all) != want {
				r.t.Errorf("node %d has %d messages in room:%s, want %d", i, len(all), room, want)
			}
		}
		w.Close()
		nick = fmt.Sprint("watcher", i)
		h := &house{t: r.t, node: n, turn: &turn{}}
		p, _ := h.enter(nick)
		auditors, nicks = append(auditors, p), append(nicks, nick)
	}
	slices.Sort(nicks)
	for _, p := range auditors {
		p.hasPeople("", nicks...)
	}
}

// in is how many messages there are in a conversation.
func (l *ledger) in(conv string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if line.conv == conv {
			n++
		}
	}
	return n
}
