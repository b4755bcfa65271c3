package history

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
)

// The test binary started with these in its environment is a writer that waits to be killed.
const (
	writerDir        = "HISTORY_TEST_WRITER"
	writerDurability = "HISTORY_TEST_DURABILITY"
)

// writeUntilKilled appends batches of all sizes and tells of each entry that was acknowledged.
func writeUntilKilled(dir, durability string) {
	l, err := Open(dir, Config{Durability: durability, Logger: quiet})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	out := bufio.NewWriter(os.Stdout)
	for n := 0; ; {
		batch := make([]*Entry, 1+rand.IntN(40))
		for i := range batch {
			n++
			text := make([]byte, rand.IntN(2000))
			batch[i] = say(fmt.Sprintf("r/%d", rand.IntN(5)), uint64(os.Getpid()), fmt.Sprint(n), fmt.Sprintf("%x", text))
		}
		if err := l.Append(batch); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		for _, e := range batch {
			fmt.Fprintln(out, e.Seq, e.Conv, e.Claim, e.Cid, e.Mid)
		}
		if err := out.Flush(); err != nil {
			os.Exit(1)
		}
	}
}

// acked is what a writer told of.
type acked struct {
	seq   uint64
	conv  string
	claim uint64
	cid   string
	mid   string
}

// killRound runs a writer, kills it at some moment and gives what it told of.
func killRound(t *testing.T, dir, durability string) []acked {
	writer := exec.Command(os.Args[0])
	writer.Env = append(os.Environ(), writerDir+"="+dir, writerDurability+"="+durability)
	out, err := writer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	var all []acked
	killAt := 1 + rand.IntN(600)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var a acked
		if _, err := fmt.Sscan(lines.Text(), &a.seq, &a.conv, &a.claim, &a.cid, &a.mid); err != nil {
			if len(all) < killAt {
				t.Errorf("%q: %v", lines.Text(), err)
			}
			break // the last line may be cut
		}
		if all = append(all, a); len(all) == killAt {
			if err := writer.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := writer.Wait(); err == nil {
		t.Error("the writer ended by itself")
	}
	return all
}

func TestKilled(t *testing.T) {
	for durability, rounds := range map[string]int{DurabilityOS: 4, DurabilityFsync: 10} {
		t.Run(durability, func(t *testing.T) {
			dir := t.TempDir()
			var told []acked
			for range rounds {
				highest := uint64(0)
				if len(told) > 0 {
					highest = told[len(told)-1].seq
				}
				round := killRound(t, dir, durability)
				if len(round) == 0 {
					t.Fatal("the writer told nothing")
				}
				if round[0].seq <= highest {
					t.Fatalf("seq %d comes again", round[0].seq)
				}
				told = append(told, round...)
			}
			l, err := Open(dir, Config{Durability: durability, Logger: quiet})
			if err != nil {
				t.Fatal(err)
			}
			defer release(l)
			checkTold(t, l, told)
		})
	}
}

// checkTold finds everything that was acknowledged in the log, once and in order, and no hole.
func checkTold(t *testing.T, l Log, told []acked) {
	stored := map[string][]Message{}
	cids := map[dedupID]uint64{}
	for i := range 5 {
		conv := fmt.Sprintf("r/%d", i)
		var last uint64
		for after, more := uint64(1), true; more; {
			var msgs []Message
			var err error
			if msgs, more, err = l.Read(conv, after, 0, 500); err != nil {
				t.Fatal(err)
			}
			for _, m := range msgs {
				if m.Prev != last || m.Seq <= last {
					t.Fatalf("%s: seq %d, prev %d behind %d", conv, m.Seq, m.Prev, last)
				}
				id := dedupID{m.Claim, m.Cid}
				if before := cids[id]; before != 0 {
					t.Fatalf("%v is stored as %d and %d", id, before, m.Seq)
				}
				last, cids[id] = m.Seq, m.Seq
			}
			stored[conv] = append(stored[conv], msgs...)
			after = last
		}
	}
	for _, a := range told {
		if cids[dedupID{a.claim, a.cid}] != a.seq {
			t.Fatalf("%+v was acknowledged and is not stored so", a)
		}
		if m, found, err := l.Find(a.mid); err != nil || !found || m.Seq != a.seq || m.Conv != a.conv {
			t.Fatalf("Find(%s) = %+v, %v, %v", a.mid, m, found, err)
		}
	}
	again := &Entry{Message: Message{Conv: "r/0", Claim: told[0].claim, Cid: told[0].cid}}
	if err := l.Append([]*Entry{again}); err != nil || !again.Known || again.Seq != told[0].seq {
		t.Errorf("the first one again: %+v, %v", again, err)
	}
}
