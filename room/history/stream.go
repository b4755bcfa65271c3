package history

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// makeTry is how long finding or making all on the servers may take before it is tried again, after makePause.
	makeTry   = 5 * time.Second
	makePause = 250 * time.Millisecond
	// streamPatience is how long a Stream waits for its servers before a call fails.
	streamPatience = 5 * time.Second
	// The keys of what a stream on NATS tells of the log that it is.
	metaEpoch = "epoch"
	metaBorn  = "born"
	metaMove  = "moved" // an origin as JSON; there is none in most
)

// StreamConfig is how a Stream is kept. Of Config, Durability and Reserve mean nothing.
type StreamConfig struct {
	Config
	Replicas int           // how many servers store each message, 1 or 3; 0: 1. A log that has more keeps them.
	Always   bool          // the servers sync each write to their disks
	Receive  func(Message) // gets what is followed, from one goroutine at a time, which it must not hold up; nil: nothing is followed
}

// Stream is the Log on NATS JetStream, which several nodes share. The servers order, store and replicate; what is stored comes to the
// nodes that follow its conversation. Any goroutine may call its methods, but for Append.
type Stream struct {
	conf   StreamConfig
	log    *slog.Logger
	now    func() time.Time
	nc     *nats.Conn
	source // of the messages
	made   jetstream.Stream
	epoch  string
	born   born    // when the log was made: the time in the ids of all that was not moved here
	origin *origin // where it was moved from; nil: it was not

	claims, marked, directs, trimmed, erased bucket
	lists                                    lists // of claims

	life   context.Context // ends with Close
	stop   context.CancelFunc
	done   sync.WaitGroup
	closed atomic.Bool

	tails  *tails // of what is followed
	marks  *marks
	writer markWriter
	follow *follower
	cuts   *cuts
	graves *graves
	health atomic.Pointer[error]
	acked  atomic.Uint64 // highest seq that this node has stored

	commit sync.Mutex // held by Append and Close; guards what follows
	out    *publisher
	ts     int64  // of the newest message
	loose  uint64 // messages without a Cid so far
	self   string // of this Stream alone
}

var _ Log = (*Stream)(nil)

// OpenStream makes the log on the servers that nc is connected to, or finds it there. ctx bounds how long that may take; nc stays the
// caller's, and must not be closed before the Stream. It should be one that reconnects for ever and, with nats.ReconnectBufSize(-1),
// keeps nothing back while it is not connected.
func OpenStream(ctx context.Context, nc *nats.Conn, c StreamConfig) (*Stream, error) {
	return openStream(ctx, nc, c, time.Now)
}

func openStream(ctx context.Context, nc *nats.Conn, c StreamConfig, now func() time.Time) (*Stream, error) {
	c.Replicas = max(c.Replicas, 1)
	if c.Dedup <= 0 {
		c.Dedup = defaultDedup
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	s := &Stream{
		conf: c, log: c.Logger, now: now, nc: nc, source: source{nc, streamName, logPrefix}, self: newEpoch(),
		tails: newTails(), marks: newMarks(), cuts: newCuts(), graves: newGraves(),
	}
	err := s.make(ctx)
	for err != nil && !errors.Is(err, ErrUnfinished) {
		if pause(ctx, makePause) != nil {
			return nil, fmt.Errorf("history: on NATS: %w", err)
		}
		err = s.make(ctx)
	}
	if err != nil {
		return nil, err
	}
	if s.out, err = newPublisher(nc); err != nil {
		return nil, err
	}
	s.writer.written = map[uint64]map[string]writtenMarks{}
	if s.writer.out, err = newPublisher(nc); err != nil {
		return nil, errors.Join(err, s.out.close())
	}
	s.life, s.stop = context.WithCancel(context.Background())
	s.follow = newFollower(s)
	if err := errors.Join(s.watchTrimmed(ctx), s.watchErased(ctx)); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.done.Go(s.follow.run)
	s.done.Go(s.follow.watch)
	s.done.Go(s.keep)
	s.done.Go(s.trimAlways)
	return s, nil
}

// make finds or makes everything on the servers.
func (s *Stream) make(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, makeTry) // an answer that is lost in an election never comes
	defer cancel()
	js, err := jetstream.New(s.nc)
	if err != nil {
		return err
	}
	if err := s.makeLog(ctx, js); err != nil {
		return err
	}
	for name, b := range map[string]*bucket{
		claimsBucket: &s.claims, marksBucket: &s.marked, directsBucket: &s.directs, trimmedBucket: &s.trimmed,
		erasedBucket: &s.erased,
	} {
		if *b, err = openBucket(ctx, js, name, s.conf.Replicas); err != nil {
			return err
		}
	}
	return s.directs.put(ctx, aboutKey, []byte{recordVersion})
}

func (s *Stream) makeLog(ctx context.Context, js jetstream.JetStream) error {
	want := jetstream.StreamConfig{
		Name: streamName, Subjects: []string{logPrefix + ">"}, Storage: jetstream.FileStorage, Replicas: s.conf.Replicas,
		FirstSeq: firstSeq + 1, AllowDirect: true, Duplicates: s.conf.Dedup,
		RePublish: &jetstream.RePublish{Source: logPrefix + ">", Destination: outPrefix + ">"},
		Metadata:  map[string]string{metaEpoch: newEpoch(), metaBorn: strconv.FormatInt(s.now().UnixMilli(), 10)},
	}
	var err error
	s.made, err = js.Stream(ctx, streamName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s.made, err = js.CreateStream(ctx, want)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another node was faster
			s.made, err = js.Stream(ctx, streamName)
		}
	}
	if err != nil {
		return err
	}
	if err := s.recognize(); err != nil {
		return err
	}
	if err := s.origin.check(); err != nil && !s.conf.moving {
		return err
	}
	has := s.made.CachedInfo().Config
	s.conf.Replicas = max(s.conf.Replicas, has.Replicas)
	if has.Replicas == s.conf.Replicas && has.Duplicates == s.conf.Dedup {
		return nil
	}
	has.Replicas, has.Duplicates = s.conf.Replicas, s.conf.Dedup
	s.made, err = js.UpdateStream(ctx, has)
	return err
}

// recognize reads what the stream tells of the log that it is.
func (s *Stream) recognize() error {
	has := s.made.CachedInfo().Config
	tells := has.Metadata
	at, err := strconv.ParseInt(tells[metaBorn], 10, 64)
	if s.epoch, s.born = tells[metaEpoch], born(at); s.epoch == "" || err != nil {
		return fmt.Errorf("%w: the stream %s is not one of ours", ErrFormat, streamName)
	}
	if has.Description != "" {
		s.epoch = epochOf(s.epoch + "\n" + has.Description)
	}
	s.origin, err = decodeOrigin([]byte(tells[metaMove]))
	return err
}

// Epoch implements Log. The stream's description, which is empty at first, is a part of it, as it is when a Stream is opened: so who has
// restored the stream from a backup begins a new epoch.
func (s *Stream) Epoch() string { return s.epoch }

// Durability implements Log.
func (s *Stream) Durability() string {
	switch {
	case s.conf.Replicas > 1:
		return DurabilityQuorum
	case s.conf.Always:
		return DurabilityFsync
	}
	return DurabilityOS
}

// patience bounds a call.
func (s *Stream) patience() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.life, streamPatience)
}

// fail makes of a server's or a connection's error what the Log promises.
func (s *Stream) fail(err error) error {
	if err == nil {
		return nil
	}
	if s.closed.Load() {
		return ErrClosed
	}
	if isStorage(err) {
		return fmt.Errorf("%w: %w", ErrSpace, err)
	}
	return fmt.Errorf("%w: %w", ErrDown, err)
}

// isStorage is that the servers have no room.
func isStorage(err error) bool {
	e, ok := errors.AsType[*apiError](err)
	return ok && (e.ErrCode == codeNoResources || e.ErrCode == codeNoStorage)
}

// ask lets f ask the servers for something.
func (s *Stream) ask(f func(context.Context) error) error {
	if s.closed.Load() {
		return ErrClosed
	}
	ctx, cancel := s.patience()
	defer cancel()
	return s.fail(f(ctx))
}

// Close implements Log. It leaves the connection open.
func (s *Stream) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.stop()
	s.done.Wait()
	s.commit.Lock()
	defer s.commit.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), streamPatience)
	defer cancel()
	err := s.flushMarks(ctx)
	s.tails.forget()
	return errors.Join(err, s.follow.close(), s.out.close(), s.writer.out.close())
}
