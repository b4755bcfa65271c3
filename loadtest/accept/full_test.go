package accept

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"throng/loadtest/client"
	"throng/loadtest/process"
)

// small is the size of the disk. The server keeps 64 MiB of it free for tidying.
const small = "160m"

// inside has a program run in a mount namespace of its own, which has a small disk at a folder and ends with the program.
func inside(folder, program string, args ...string) []string {
	script := fmt.Sprintf(`mount -t tmpfs -o size=%s throng %q && exec "$@"`, small, folder)
	return append([]string{"-m", "sh", "-c", script, "sh", program}, args...)
}

// TestFullDisk fills the disk below the server: senders are told to try again, nothing is acknowledged that is not stored,
// the operator is told why, and when there is space again all goes on.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, durability := range []string{"fsync", "os"} {
		t.Run(durability, func(t *testing.T) {
			t.Parallel()
			fullDisk(t, bootSmall(t, "--durability", durability))
		})
	}
}

// bootSmall is boot with the server's folder on a small disk, and with its private listener.
func bootSmall(t *testing.T, args ...string) *node {
	t.Helper()
	folder := t.TempDir()
	if out, err := exec.Command("unshare", inside(folder, "true")...).CombinedOutput(); err != nil {
		t.Skipf("no disk of its own for this test: %v: %s", err, out)
	}
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{"serve", "--addr", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--rate", "0", "--data", filepath.Join(folder, "data")}, args...)
	p, err := process.StartAdmin(t.Context(), "unshare", inside(folder, path, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	// The kernel shows the disks of a process to others.
	n := &node{t: t, data: filepath.Join("/proc", fmt.Sprint(p.Pid), "root", folder)}
	n.run(p)
	return n
}

func fullDisk(t *testing.T, h *node) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	l := newLedger()
	w := enter(t, h.addr, "alice", crashPause)
	talkFor(t, w, l, "before", 300)
	if status, text := h.ready(t); status != http.StatusOK {
		t.Errorf("readyz: %d %s", status, text)
	}

	filler := filepath.Join(h.data, "filler")
	fill(t, filler)
	var waiting []*client.Sent
	for i := range 50 {
		waiting = append(waiting, w.say("", "", fmt.Sprintf("meanwhile-%d", i)))
	}
	w.await(t, "to be refused", func() bool { return len(w.refused) >= len(waiting) })
	for _, bad := range w.refused {
		if bad.Code != http.StatusServiceUnavailable || !bad.Retry || bad.RetryAfter <= 0 {
			t.Errorf("refused with %+v", bad)
		}
	}
	if status, text := h.ready(t); status != http.StatusServiceUnavailable || !strings.Contains(text, "space") {
		t.Errorf("readyz: %d %q", status, text)
	}
	// What is there can be read, and nothing was added.
	all, err := w.History(ctx, client.Everyone, 0)
	if err != nil || len(all) != 300 {
		t.Errorf("%d messages, %v", len(all), err)
	}

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	for _, sent := range waiting {
		if err := w.settle(ctx, sent, l); err != nil {
			t.Fatal(err)
		}
	}
	talkFor(t, w, l, "after", 50)
	if status, text := h.ready(t); status != http.StatusOK {
		t.Errorf("readyz: %d %s", status, text)
	}
	w.audit(t, l)
	if tally := w.Tally(); tally.Welcomes != 1 {
		t.Errorf("%+v", tally)
	}
}

// fill writes a file until there is no space left.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for chunk := make([]byte, 1<<20); err == nil; {
		_, err = f.Write(chunk)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}
