package history

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
)

// folder reads the log in a folder. While it does nobody else has the folder.
type folder struct {
	db    *pebble.DB
	lock  *pebble.Lock
	name  string // of the epoch
	moved *origin
}

// walkFolder opens the log in a folder for reading alone. The error may be ErrLocked, ErrFormat, or that there is none.
func walkFolder(dir string, v volume, log *slog.Logger) (*folder, error) {
	there, err := pebble.Peek(dir, v.fs)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil || !there.Exists {
		return nil, fmt.Errorf("%s: %w", dir, errNoLog)
	}
	f := &folder{}
	if f.lock, err = pebble.LockDirectory(dir, v.fs); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrLocked, dir, err)
	}
	o := options(&fence{FS: v.fs, dir: dir, truncate: v.truncate, broken: func() {}}, v.memTable, f.lock, log)
	o.ReadOnly = true
	if f.db, err = pebble.Open(dir, o); err != nil {
		release(f.lock)
		return nil, fmt.Errorf("history: %s: %w", dir, err)
	}
	if err := f.recognize(dir); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

// recognize reads what the log tells of itself.
func (f *folder) recognize(dir string) error {
	var version []byte
	for key, to := range map[string]func(v []byte) error{
		string(aboutFormat): func(v []byte) error { version = append(version, v...); return nil },
		string(aboutEpoch):  func(v []byte) error { f.name = string(v); return nil },
		string(aboutMove):   func(v []byte) (err error) { f.moved, err = decodeOrigin(v); return err },
	} {
		if _, err := get(f.db, []byte(key), to); err != nil {
			return err
		}
	}
	if string(version) != string([]byte{format}) {
		return fmt.Errorf("%w: %s", ErrFormat, dir)
	}
	return nil
}

func (f *folder) epoch() string   { return f.name }
func (f *folder) origin() *origin { return f.moved }

func (f *folder) close() error { return errors.Join(f.db.Close(), f.lock.Close()) }

// each hands over the rows of a kind from a key on, which f must not keep.
func (f *folder) each(ctx context.Context, kind byte, from []byte, row func(key, value []byte) error) error {
	it, err := f.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: []byte{kind + 1}})
	if err != nil {
		return err
	}
	for it.First(); it.Valid(); it.Next() {
		if err := errors.Join(ctx.Err(), row(it.Key(), it.Value())); err != nil {
			release(it)
			return err
		}
	}
	return it.Close()
}

func (f *folder) messages(ctx context.Context, after uint64, use func(Message) error) error {
	return f.each(ctx, keySeq, seqKey(nil, after+1), func(key, value []byte) error {
		m, found, err := messageOf(f.db, key, value)
		if err == nil && !found {
			err = errRecord
		}
		if err != nil {
			return err
		}
		return use(m)
	})
}

// messageOf reads the message that a row of keySeq is of.
func messageOf(r pebble.Reader, key, value []byte) (m Message, found bool, err error) {
	conv, seq := string(value), binary.BigEndian.Uint64(key[1:])
	found, err = get(r, messageKey(nil, conv, seq), func(v []byte) (err error) {
		m, err = decodeMessage(conv, seq, v)
		return err
	})
	return m, found, err
}

// nextMessage reads the first message of the log from a seq on.
func nextMessage(r pebble.Reader, from uint64) (m Message, found bool, err error) {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: seqKey(nil, from), UpperBound: []byte{keySeq + 1}})
	if err != nil {
		return Message{}, false, err
	}
	if it.First() {
		m, found, err = messageOf(r, it.Key(), it.Value())
	}
	return m, found, errors.Join(err, it.Close())
}

// findMessage is Log.Find.
func findMessage(r pebble.Reader, o *origin, mid string) (m Message, found bool, err error) {
	seq, ok := midSeqOf(mid)
	if !ok {
		return Message{}, false, nil
	}
	key := seqKey(nil, seq)
	_, err = get(r, key, func(conv []byte) (err error) {
		m, found, err = messageOf(r, key, conv)
		return err
	})
	if err != nil || found && m.Mid == mid {
		return m, err == nil, err
	}
	return o.find(mid, func(from uint64) (Message, bool, error) { return nextMessage(r, from) })
}

func (f *folder) find(_ context.Context, mid string) (Message, bool, error) {
	return findMessage(f.db, f.moved, mid)
}

func (f *folder) claims(ctx context.Context, use func(Claim) error) error {
	return f.each(ctx, keyClaim, []byte{keyClaim}, func(key, value []byte) error {
		c, err := parseClaim(key, value)
		if err != nil {
			return err
		}
		return use(c)
	})
}

func (f *folder) directs(ctx context.Context, use func(claim uint64, d Direct) error) error {
	return f.each(ctx, keyDirect, []byte{keyDirect}, func(key, value []byte) error {
		claim, conv, err := parseClaimConvKey(key)
		if err != nil {
			return err
		}
		d, err := decodeDirect(conv, value)
		if err != nil {
			return err
		}
		return use(claim, d)
	})
}

func (f *folder) marks(ctx context.Context, use func(claim uint64, conv string, m Marks) error) error {
	return f.each(ctx, keyMarks, []byte{keyMarks}, func(key, value []byte) error {
		claim, conv, err := parseClaimConvKey(key)
		if err != nil {
			return err
		}
		m, err := decodeMarks(value)
		if err != nil {
			return err
		}
		return use(claim, conv, m)
	})
}

// parseClaimConvKey is the inverse of claimConvKey.
func parseClaimConvKey(key []byte) (claim uint64, conv string, err error) {
	if len(key) < 1+8 {
		return 0, "", errRecord
	}
	return binary.BigEndian.Uint64(key[1:]), string(key[1+8:]), nil
}

func (f *folder) upTo(_ context.Context, conv string, seq uint64) (m Message, isLast, found bool, err error) {
	it, err := f.db.NewIter(&pebble.IterOptions{LowerBound: messageKey(nil, conv, 0), UpperBound: after(messageKey(nil, conv, 1<<64-1))})
	if err != nil {
		return Message{}, false, false, err
	}
	if it.SeekLT(messageKey(nil, conv, seq+1)) {
		found = true
		_, at, _ := parseMessageKey(it.Key())
		if m, err = decodeMessage(conv, at, it.Value()); err == nil {
			isLast = !it.Next()
		}
	}
	return m, isLast, found, errors.Join(err, it.Close())
}
