package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	streamName   = "THRONG_NICKS"
	allPrefix    = "throng."
	nickPrefix   = allPrefix + "nick."  // and the token of a nick's key: who holds it
	nodePrefix   = allPrefix + "alive." // and a node's id: its lease
	changePrefix = "throng.changed."    // and what follows allPrefix: every change is told to all
)

// graveTime is how long the directory remembers that an entry was removed, so that all nodes see it. JetStream counts in
// whole seconds.
const graveTime = 5 * time.Second

// What the servers answer when they are fewer than the copies that are wanted.
const (
	codeNoPeers      jetstream.ErrorCode = 10005
	codeInsufficient jetstream.ErrorCode = 10023
	codeNotClustered jetstream.ErrorCode = 10074
)

// errMoved means that an entry is no longer as the writer knew it.
var errMoved = errors.New("cluster: the entry has changed")

// entry is one of the directory's: what is stored under a subject.
type entry struct {
	subject string
	value   string // "": it was removed
	rev     uint64 // grows with each change; 0: there is none
}

// store is the directory as JetStream keeps it: a stream, in memory where there is one server alone, that has one message a subject. Every write is a
// compare-and-set, and every read is answered by the stream's leader, so that neither is fooled by a copy that is behind.
type store struct {
	js       jetstream.JetStream
	wait     time.Duration
	replicas int
	stream   jetstream.Stream
}

// openStore finds the directory, or makes it with as many copies as are wanted; 0: three if there are so many servers,
// else one. It waits until ctx ends.
func openStore(ctx context.Context, js jetstream.JetStream, wait time.Duration, want int) (*store, error) {
	s := &store{js: js, wait: wait, replicas: want}
	if want == 0 {
		s.replicas = 3
	}
	for {
		err := s.open(ctx)
		if err == nil {
			return s, nil
		}
		if want == 0 && (isCode(err, codeNoPeers, codeInsufficient, codeNotClustered)) {
			s.replicas = 1
			continue
		}
		if isCode(err, jetstream.JSErrCodeJetStreamNotEnabledForAccount, jetstream.JSErrCodeJetStreamNotEnabled) {
			return nil, fmt.Errorf("the NATS servers have no JetStream: %w", err)
		}
		if !pause(ctx, wait/4) {
			return nil, fmt.Errorf("JetStream does not answer, or too few of its servers are there: %w", err)
		}
	}
}

// open finds the stream or makes it. It may be called again, when the stream was lost with the only server that had it.
func (s *store) open(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.wait)
	defer cancel()
	// Who was there is not there any more when the only server was away. Of several, one that is back has to remember, or
	// it could not vote.
	storage := jetstream.MemoryStorage
	if s.replicas > 1 {
		storage = jetstream.FileStorage
	}
	stream, err := s.js.Stream(ctx, streamName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		stream, err = s.js.CreateStream(ctx, jetstream.StreamConfig{
			Name:              streamName,
			Description:       "Throng: who holds which nick, and which nodes are alive",
			Subjects:          []string{nickPrefix + "*", nodePrefix + "*"},
			Storage:           storage,
			Replicas:          s.replicas,
			MaxMsgsPerSubject: 1,
			AllowMsgTTL:       true,
			RePublish:         &jetstream.RePublish{Source: allPrefix + ">", Destination: changePrefix + ">"},
		})
	}
	if err != nil {
		return err
	}
	if s.stream == nil { // later ones are the same by name
		s.stream, s.replicas = stream, stream.CachedInfo().Config.Replicas
	}
	return nil
}

// put changes an entry that is still at rev, and returns its new revision; "" removes it. errMoved: it is at another.
// After any other error it may have been changed or not, and even be changed a little later.
func (s *store) put(ctx context.Context, subject, value string, rev uint64) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, s.wait)
	defer cancel()
	m, options := s.change(subject, value, rev)
	ack, err := s.js.PublishMsg(ctx, m, options...)
	if err != nil {
		return 0, moved(err)
	}
	return ack.Sequence, nil
}

// bury removes entries, all in one breath, and returns those of which it is not known that they are gone, or changed.
func (s *store) bury(entries []entry) (left []entry) {
	acks := make([]jetstream.PubAckFuture, len(entries))
	for i, e := range entries {
		m, options := s.change(e.subject, "", e.rev)
		acks[i], _ = s.js.PublishMsgAsync(m, options...) // without an ack it is left
	}
	for i, ack := range acks {
		if ack == nil {
			left = append(left, entries[i])
			continue
		}
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			if !errors.Is(moved(err), errMoved) {
				left = append(left, entries[i])
			}
		}
	}
	return left
}

// change is the message that changes an entry.
func (s *store) change(subject, value string, rev uint64) (*nats.Msg, []jetstream.PublishOpt) {
	options := []jetstream.PublishOpt{jetstream.WithExpectLastSequencePerSubject(rev), jetstream.WithRetryAttempts(0)}
	if value == "" {
		options = append(options, jetstream.WithMsgTTL(graveTime))
	}
	return &nats.Msg{Subject: subject, Data: []byte(value)}, options
}

// get is an entry as it is now; one that does not exist has revision 0.
func (s *store) get(ctx context.Context, subject string) (entry, error) {
	ctx, cancel := context.WithTimeout(ctx, s.wait)
	defer cancel()
	return found(s.stream.GetLastMsgForSubject(ctx, subject))
}

// next is the first entry at or after a revision whose subject fits a pattern; revision 0: there is none.
func (s *store) next(ctx context.Context, rev uint64, pattern string) (entry, error) {
	ctx, cancel := context.WithTimeout(ctx, s.wait)
	defer cancel()
	return found(s.stream.GetMsg(ctx, rev, jetstream.WithGetMsgSubject(pattern)))
}

func found(m *jetstream.RawStreamMsg, err error) (entry, error) {
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return entry{}, nil
	}
	if err != nil {
		return entry{}, err
	}
	return entry{m.Subject, string(m.Data), m.Sequence}, nil
}

func moved(err error) error {
	if isCode(err, jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant) {
		return errMoved
	}
	return err
}

func isCode(err error, codes ...jetstream.ErrorCode) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && slices.Contains(codes, api.ErrorCode)
}
