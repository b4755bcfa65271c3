package accept

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
)

// before is the version that comes before this one: the last one that knew of no tokens, rules and hooks.
const before = "5a3dd4ae9f1f"

// oldProgram builds the version before this one, from the history of the repository.
func oldProgram(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	run := func(words ...string) error {
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Dir = folder
		out, err := cmd.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%v: %w: %s", words, err, out)
		}
		return err
	}
	root, err := exec.Command("git", "rev-parse", "--show-toplevel").Output()
	if err != nil {
		t.Skip("there is no repository here to build the version before from:", err)
	}
	top := string(root[:len(root)-1])
	if err := run("git", "-C", top, "cat-file", "-e", before); err != nil {
		t.Skip("the repository's history does not reach back to the version before:", err)
	}
	for _, words := range [][]string{
		{"git", "-C", top, "archive", "--output", filepath.Join(folder, "before.tar"), before},
		{"tar", "-xf", "before.tar"},
		{"go", "build", "-buildvcs=false", "-o", "throng", "."},
	} {
		if err := run(words...); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(folder, "throng")
}

// TestMixedVersions upgrades a chat of two nodes, one after the other, and takes one back again, while people talk: whatever versions are
// beside each other, all that was acknowledged is there, once and in order, and was heard by everybody.
func TestMixedVersions(t *testing.T) {
	old := oldProgram(t)
	nats := freePort(t)
	carrier := newNode(t, filepath.Join(t.TempDir(), "carrier"), []string{"--admin", "off", "--nats", "embedded", "--nats-listen", nats})
	other := newNode(t, filepath.Join(t.TempDir(), "other"), []string{"--admin", "off", "--nats", "nats://" + nats})
	carrier.path, other.path = old, old
	carrier.start()
	other.start()

	l := newLedger()
	var people []*witness
	for i := range senders + listeners {
		at := []*node{carrier, other}[i%2]
		people = append(people, enter(t, at.addr, fmt.Sprintf("p%d", i), crashPause, "go"))
	}
	err := talkUntil(t, l, people, senders, talkPause, func() {
		for _, step := range []struct {
			node *node
			path string
		}{{other, ""}, {carrier, ""}, {other, old}, {other, ""}} {
			l.await(t, l.count()+100)
			step.node.stop()
			step.node.path = step.path
			step.node.start()
		}
		l.await(t, l.count()+100)
	})
	// Who is at a node that stops is refused now and then, and says it again.
	if errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	for _, w := range people {
		w.audit(t, l)
	}
	t.Logf("%d acks; %s", l.count(), total(people))
}
