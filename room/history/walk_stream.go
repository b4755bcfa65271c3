package history

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// walkTry is how long an answer may take before it is asked for again, walkPause later, and walkTries how often that is.
	walkTry   = 5 * time.Second
	walkPause = 250 * time.Millisecond
	walkTries = 12
)

// anySubject stands for all that a stream has. The servers count what a narrower pattern fits, subject by subject, at every answer.
const anySubject = ">"

var errNoLog = errors.New("history: there is no log there")

// servers reads the log on servers. Its Stream is one that only what reads is called of.
type servers struct {
	*Stream
	buckets map[string]source // by name
}

// walkServers opens the log on servers for reading alone. ctx bounds that. The error may be ErrFormat, or that there is none.
func walkServers(ctx context.Context, nc *nats.Conn, log *slog.Logger) (servers, error) {
	s := servers{
		Stream:  &Stream{log: log, now: time.Now, nc: nc, source: source{nc, streamName, logPrefix}, cuts: newCuts(), graves: newGraves()},
		buckets: map[string]source{},
	}
	if err := patiently(ctx, s.recognize); err != nil {
		return s, fmt.Errorf("on NATS: %w", err)
	}
	for _, name := range [...]string{claimsBucket, marksBucket, directsBucket, trimmedBucket} {
		s.buckets[name] = source{nc: nc, stream: bucketPrefix + name, prefix: "$KV." + name + "."}
	}
	err := s.each(ctx, s.buckets[trimmedBucket], 1, func(it item) error {
		s.cuts.raise(it.path, decodeWeight(it.data).base)
		return nil
	})
	if err == nil {
		err = s.readGraves(ctx)
	}
	return s, err
}

// readGraves reads what is left of erased messages. A log of an older version has no place for them.
func (s servers) readGraves(ctx context.Context) error {
	from := source{nc: s.nc, stream: bucketPrefix + erasedBucket, prefix: "$KV." + erasedBucket + "."}
	isThere := true
	err := patiently(ctx, func(ctx context.Context) error {
		_, err := from.state(ctx)
		if missing, ok := errors.AsType[*apiError](err); ok && missing.ErrCode == codeNoStream {
			isThere, err = false, nil
		}
		return err
	})
	if err != nil || !isThere {
		return err
	}
	return s.each(ctx, from, 1, func(it item) error {
		if m, ok := decodeGrave(it.path, s.born, it.data); ok && m.Seq > s.cuts.get(path(m.Conv)) {
			s.graves.add(m)
		}
		return nil
	})
}

// recognize finds the stream and reads what it tells of the log.
func (s servers) recognize(ctx context.Context) error {
	js, err := jetstream.New(s.nc)
	if err != nil {
		return err
	}
	s.made, err = js.Stream(ctx, streamName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return errNoLog
	}
	if err != nil {
		return err
	}
	s.conf.Replicas = s.made.CachedInfo().Config.Replicas
	return s.Stream.recognize()
}

// patiently asks until there is an answer.
func patiently(ctx context.Context, ask func(context.Context) error) (err error) {
	for range walkTries {
		try, cancel := context.WithTimeout(ctx, walkTry)
		err = ask(try)
		cancel()
		isFinal := errors.Is(err, errNoLog) || errors.Is(err, ErrFormat) || errors.Is(err, errRecord) || errors.Is(err, ErrTaken)
		if err == nil || isFinal || pause(ctx, walkPause) != nil {
			return err
		}
	}
	return err
}

// each hands over what a stream has from a seq on. The server that answers may be behind the leader, and is waited for.
func (s servers) each(ctx context.Context, o source, from uint64, use func(item) error) error {
	q := query{Next: anySubject, Batch: readBatch}
	for isEnd := false; !isEnd; {
		var items []item
		err := patiently(ctx, func(ctx context.Context) error {
			q.Seq = from
			p, err := o.some(ctx, q, readBatch)
			if items = p.items; err != nil || len(items) > 0 {
				return err
			}
			_, more, err := o.one(ctx, query{Seq: from, Next: q.Next})
			if isEnd = err == nil && !more; more {
				err = errBehind
			}
			return err
		})
		if err != nil {
			return err
		}
		for _, it := range items {
			if err := use(it); err != nil {
				return err
			}
			from = it.seq + 1
		}
	}
	return nil
}

func (s servers) epoch() string   { return s.Stream.epoch }
func (s servers) origin() *origin { return s.Stream.origin }
func (s servers) close() error    { return nil }

func (s servers) messages(ctx context.Context, after uint64, use func(Message) error) error {
	left := s.graves.all(after)
	err := s.each(ctx, s.source, after+1, func(it item) error {
		for len(left) > 0 && left[0].Seq <= it.seq {
			m := left[0]
			if left = left[1:]; m.Seq == it.seq {
				return use(m) // it was about to be removed
			}
			if err := use(m); err != nil {
				return err
			}
		}
		if it.seq <= s.cuts.get(it.path) { // it is as good as removed
			return nil
		}
		m, err := s.message(it)
		if err != nil {
			return err
		}
		return use(m)
	})
	for _, m := range left {
		if err == nil {
			err = use(m)
		}
	}
	return err
}

func (s servers) claims(ctx context.Context, use func(Claim) error) error {
	return s.each(ctx, s.buckets[claimsBucket], 1, func(it item) error {
		text, isClaim := strings.CutPrefix(it.path, "c.")
		if !isClaim || len(it.data) == 0 {
			return nil
		}
		id, err := strconv.ParseUint(text, 16, 64)
		if err != nil {
			return errRecord
		}
		c, err := decodeClaim(id, it.data)
		if err != nil {
			return err
		}
		return use(c)
	})
}

func (s servers) directs(ctx context.Context, use func(claim uint64, d Direct) error) error {
	return s.each(ctx, s.buckets[directsBucket], 1, func(it item) error {
		if it.path == aboutKey {
			return nil
		}
		claim, conv, err := parseMarkKey(it.path)
		if err != nil {
			return err
		}
		d, err := decodeDirect(conv, it.data)
		if err != nil {
			return err
		}
		return use(claim, d)
	})
}

func (s servers) marks(ctx context.Context, use func(claim uint64, conv string, m Marks) error) error {
	return s.each(ctx, s.buckets[marksBucket], 1, func(it item) error {
		claim, conv, err := parseMarkKey(it.path)
		if err != nil {
			return err
		}
		m, err := decodeMarks(it.data)
		if err != nil {
			return err
		}
		return use(claim, conv, m)
	})
}

// parseMarkKey is the inverse of markKey.
func parseMarkKey(key string) (claim uint64, conv string, err error) {
	text, rest, _ := strings.Cut(key, ".")
	claim, err = strconv.ParseUint(text, 16, 64)
	conv, ok := convOf(rest)
	if err != nil || !ok {
		return 0, "", errRecord
	}
	return claim, conv, nil
}

func (s servers) find(ctx context.Context, mid string) (m Message, found bool, err error) {
	err = patiently(ctx, func(ctx context.Context) (err error) {
		m, found, err = s.Stream.find(ctx, mid)
		return err
	})
	return m, found && m.Seq > s.cuts.get(path(m.Conv)), err
}

func (s servers) upTo(ctx context.Context, conv string, seq uint64) (m Message, isLast, found bool, err error) {
	err = patiently(ctx, func(ctx context.Context) (err error) {
		m, isLast, found, err = s.tryUpTo(ctx, conv, seq)
		return err
	})
	return m, isLast, found, err
}

func (s servers) tryUpTo(ctx context.Context, conv string, seq uint64) (m Message, isLast, found bool, err error) {
	path := path(conv)
	trimmed := s.cuts.get(path)
	it, found, err := s.newest(ctx, path)
	if isLast = it.seq <= seq; !isLast && err == nil {
		it, found, err = s.one(ctx, query{Seq: seq})
		if err == nil && it.path != path { // not a seq of this conversation
			var p page
			if p, err = s.some(ctx, query{NewestOf: []string{logPrefix + path}, UpTo: seq}, 1); len(p.items) > 0 {
				it, found = p.items[0], true
			}
		}
	}
	if err != nil || !found || it.path != path || it.seq <= trimmed {
		return Message{}, false, false, err
	}
	m, err = s.message(it)
	return m, isLast, err == nil, err
}
