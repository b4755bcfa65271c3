package admin

import (
	"log/slog"
	"os"
	"sync"
	"time"
)

// lookEvery is how often the file of keys is looked at, when somebody asks.
const lookEvery = time.Second

// Keyring is keys, some of which stand in a file that may change. Any goroutine may use it.
type Keyring struct {
	fixed []Key
	path  string
	log   *slog.Logger

	mu     sync.Mutex // guards what follows; held while the file is read
	keys   []Key      // fixed, and those of the file
	looked time.Time
	seen   stamp
}

// stamp is by which a change of a file is seen.
type stamp struct {
	changed time.Time
	size    int64
}

// NewKeyring is some keys and those of a file, which is read; "": no file.
func NewKeyring(fixed []Key, path string, log *slog.Logger) (*Keyring, error) {
	k := &Keyring{fixed: fixed, keys: fixed, path: path, log: log}
	return k, k.read(time.Now())
}

// Keys are those that are good at present.
func (k *Keyring) Keys() []Key {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now := time.Now(); now.Sub(k.looked) > lookEvery {
		k.tryRead(now)
	}
	return k.keys
}

// Reload reads the file again. If it cannot be read as it is, the keys stay as they were, which is logged.
func (k *Keyring) Reload() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen = stamp{}
	k.tryRead(time.Now())
}

func (k *Keyring) tryRead(now time.Time) {
	if err := k.read(now); err != nil {
		k.log.Error("the keys of the API stay as they were", "err", err)
	}
}

// read reads the file if it is another than it was.
func (k *Keyring) read(now time.Time) error {
	k.looked = now
	if k.path == "" {
		return nil
	}
	var is stamp
	about, err := os.Stat(k.path)
	if err == nil {
		is = stamp{about.ModTime(), about.Size()}
	}
	if is == k.seen && !is.changed.IsZero() || err != nil && k.seen == (stamp{size: -1}) {
		return nil
	}
	if k.seen = is; err != nil {
		k.seen.size = -1 // it is said once
		return err
	}
	keys, err := ReadKeys(k.path)
	if err != nil {
		return err
	}
	k.keys = append(k.fixed[:len(k.fixed):len(k.fixed)], keys...)
	return nil
}
