package certs

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// diary is a log that a test reads. Any goroutine may write.
type diary struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (d *diary) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(b)
}

// count is how many lines hold a text.
func (d *diary) count(text string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Count(d.text.String(), text)
}

// watched is a keeper of a folder's files that looks often.
func watched(t *testing.T, f folder) (Keeper, *diary) {
	t.Helper()
	d := &diary{}
	k, err := Files(f.cert, f.key, time.Millisecond, slog.New(slog.NewTextHandler(d, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k, d
}

func TestFilesAreWatched(t *testing.T) {
	f := newFolder(t)
	f.write(pair(t, "one.test"))
	k, d := watched(t, f)
	if got := name(t, k); got != "one.test" {
		t.Fatalf("the certificate is for %s", got)
	}
	f.write(pair(t, "two.test"))
	eventually(t, "the new certificate is used", func() bool { return name(t, k) == "two.test" })
	eventually(t, "it is logged", func() bool { return d.count("there is a new TLS certificate") == 1 })
	if n := d.count("level=ERROR"); n > 0 {
		t.Errorf("%d errors are logged", n)
	}
}

// TestAbuseTLSBadReload: a new pair that cannot be used is complained of once, and the one before stays until there is a good one.
func TestAbuseTLSBadReload(t *testing.T) {
	good, key := pair(t, "one.test")
	other, _ := pair(t, "other.test")
	for what, text := range map[string][]byte{
		"of another key": other, "of no PEM": []byte("-----BEGIN"), "empty": nil, "cut": good[:len(good)/2],
	} {
		t.Run(what, func(t *testing.T) {
			f := newFolder(t)
			f.write(good, key)
			k, d := watched(t, f)
			f.write(text, key)
			eventually(t, "it is complained of", func() bool { return d.count("cannot be used") == 1 })
			if err := k.Reload(); err == nil {
				t.Error("Reload takes it")
			}
			if got := name(t, k); got != "one.test" {
				t.Errorf("the certificate is for %s", got)
			}
			f.write(pair(t, "two.test"))
			eventually(t, "the good one is used", func() bool { return name(t, k) == "two.test" })
			if n := d.count("level=ERROR"); n != 1 {
				t.Errorf("%d errors are logged, want 1", n)
			}
			if d.count("PRIVATE") > 0 {
				t.Error("the log holds a key")
			}
		})
	}
	t.Run("not there", func(t *testing.T) {
		f := newFolder(t)
		f.write(good, key)
		k, d := watched(t, f)
		if err := os.Remove(f.key); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it is complained of", func() bool { return d.count("cannot be read") == 1 })
		if got := name(t, k); got != "one.test" {
			t.Errorf("the certificate is for %s", got)
		}
	})
}

// TestReload does not wait for the next look.
func TestReload(t *testing.T) {
	f := newFolder(t)
	f.write(pair(t, "one.test"))
	k, err := Files(f.cert, f.key, time.Hour, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	f.write(pair(t, "two.test"))
	if err := k.Reload(); err != nil || name(t, k) != "two.test" {
		t.Errorf("%v, for %s", err, name(t, k))
	}
}

func TestFilesThatCannotBeUsed(t *testing.T) {
	f := newFolder(t)
	if _, err := Files(f.cert, f.key, 0, slog.Default()); err == nil {
		t.Error("there are no files")
	}
	cert, _ := pair(t, "one.test")
	_, key := pair(t, "two.test")
	f.write(cert, key)
	if _, err := Files(f.cert, f.key, 0, slog.Default()); err == nil || !strings.Contains(err.Error(), f.cert) {
		t.Errorf("they do not fit, and the error is %v", err)
	}
}
