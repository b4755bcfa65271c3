package history

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// fillPatience is how long a batch may wait for the servers to store anything of it.
const fillPatience = time.Minute

// filledServers are servers that a log is moved to.
type filledServers struct{ *Stream }

func (s filledServers) begun() *origin { return s.origin }

func (s filledServers) note(ctx context.Context, o origin) error {
	js, err := jetstream.New(s.nc)
	if err != nil {
		return err
	}
	return patiently(ctx, func(ctx context.Context) error {
		c := s.made.CachedInfo().Config
		c.Metadata = maps.Clone(c.Metadata)
		c.Metadata[metaMove] = string(o.encode())
		made, err := js.UpdateStream(ctx, c)
		if err == nil {
			s.made, s.origin = made, &o
		}
		return err
	})
}

func (s filledServers) isEmpty(ctx context.Context) (empty bool, err error) {
	err = patiently(ctx, func(ctx context.Context) error {
		st, err := s.state(ctx)
		empty = st.State.LastSeq <= firstSeq
		for name, b := range map[string]bucket{claimsBucket: s.claims, marksBucket: s.marked, directsBucket: s.directs, trimmedBucket: s.trimmed} {
			if err != nil {
				return err
			}
			var info *jetstream.StreamInfo
			if info, err = b.made.Info(ctx, jetstream.WithSubjectFilter(b.prefix+">")); err != nil {
				return err
			}
			_, isAbout := info.State.Subjects[b.prefix+aboutKey]
			empty = empty && (len(info.State.Subjects) == 0 || name == directsBucket && isAbout && len(info.State.Subjects) == 1)
		}
		return err
	})
	return empty, err
}

func (s filledServers) newest(ctx context.Context) (m Message, found bool, err error) {
	err = patiently(ctx, func(ctx context.Context) error {
		st, err := s.state(ctx)
		if err != nil || st.State.LastSeq <= firstSeq {
			return err
		}
		it, ok, err := s.one(ctx, query{Seq: st.State.LastSeq})
		if err == nil && !ok {
			err = fmt.Errorf("%w: messages were removed from the target", ErrTaken)
		}
		if err != nil {
			return err
		}
		m, err = s.message(it)
		found = err == nil
		return err
	})
	return m, found, err
}

// fill publishes each message under the condition that the one before it is the newest: however often one is published, whatever is lost
// on the way, the stream has a beginning of the source and nothing else.
func (s filledServers) fill(ctx context.Context, batch []*Entry, last uint64) error {
	last = max(last, firstSeq)
	all := make([]*outgoing, len(batch))
	for i, e := range batch {
		header := nats.Header{headerLastSeq: {strconv.FormatUint(last+uint64(i), 10)}}
		if e.Cid != "" && s.conf.isYoung(e.Ts, s.now()) {
			header[headerMsgID] = []string{cidID(&e.Message)}
		}
		all[i] = &outgoing{subject: logPrefix + path(e.Conv), header: header, data: appendStreamedKept(nil, &e.Message)}
	}
	for until := time.Now().Add(fillPatience); len(all) > 0; {
		s.out.publish(ctx, all)
		stored, err := s.settled(ctx, batch[len(batch)-len(all):], all, last+uint64(len(batch)-len(all)))
		switch {
		case err != nil:
			return err
		case stored > 0:
			until = time.Now().Add(fillPatience)
		case time.Now().After(until), errors.Is(all[0].err, nats.ErrMaxPayload), isStorage(all[0].err):
			return s.fail(all[0].err)
		case all[0].again: // the same (Claim, Cid) twice within the window, as a clock that was set back may make it
			all[0].header.Del(headerMsgID)
			all[0].seq, all[0].again = 0, false
		default:
			if err := pause(ctx, publishPause); err != nil {
				return err
			}
		}
		all = all[stored:]
	}
	for i, e := range batch {
		e.Seq = last + 1 + uint64(i)
	}
	return nil
}

// settled is how many of a batch behind last are stored. Where not all acks came it asks the servers.
func (s filledServers) settled(ctx context.Context, batch []*Entry, all []*outgoing, last uint64) (n int, err error) {
	for i, o := range all {
		if o.seq != last+1+uint64(i) {
			break
		}
		n++
	}
	if n == len(all) {
		return n, nil
	}
	newest, found, err := s.newest(ctx)
	if err != nil {
		return 0, err
	}
	if !found {
		return 0, nil
	}
	// What is there may have come in an earlier try.
	n = int(newest.Seq - last)
	if newest.Seq < last || n > len(batch) || n > 0 && batch[n-1].Mid != newest.Mid {
		return 0, fmt.Errorf("%w: somebody else writes to it", ErrTaken)
	}
	return n, nil
}

func (s filledServers) clear(ctx context.Context) error {
	for _, b := range [...]bucket{s.claims, s.directs, s.marked} {
		err := patiently(ctx, func(ctx context.Context) error { return b.made.Purge(ctx) })
		if err != nil {
			return err
		}
	}
	return patiently(ctx, func(ctx context.Context) error { return s.directs.put(ctx, aboutKey, []byte{recordVersion}) })
}

func (s filledServers) list(ctx context.Context, all []listed) error {
	out := make([]*outgoing, len(all))
	for i, one := range all {
		out[i] = s.side(one.Conv, one.claim, one.Peer, one.PeerNick)
	}
	for part := range slices.Chunk(out, publishWindow) {
		try, cancel := context.WithTimeout(ctx, fillPatience)
		err := s.publish(try, part)
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

func (s filledServers) flush(ctx context.Context) error { return patiently(ctx, s.flushMarks) }
