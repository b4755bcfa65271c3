package room

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"throng/room/event"
	"throng/room/history"
)

// Config is what a Hub is made of.
type Config struct {
	Wire    Wire         // encodes for the connections; required
	Log     history.Log  // stores the messages; nil: in memory. The caller closes it, after the hub
	Cluster Cluster      // joins this hub with those of other nodes, who share Log; nil: it is alone
	Rate    float64      // messages a second that one claim may send, on all its connections; 0 = no limit
	Burst   int          // messages that it may send at once, when there is a limit
	Shards  int          // over which the sessions are spread, each written to by one goroutine; 0 = GOMAXPROCS - 1, at least 1
	Logger  *slog.Logger // nil = slog.Default()

	Metrics prometheus.Registerer // gets what is counted, under names that begin with throng_room_; nil: nobody does

	Sample  float64       // the part of all messages, 0 to 1, whose road Journey is told of
	Journey func(Journey) // is called from any goroutine and must not block; nil only where Sample is 0

	ByteRate    float64 // bytes a second that the sessions of a claim may send; 0 = no limit
	ByteBurst   int     // bytes at once, when there is a limit; a message that is larger passes too, and is paid for afterwards
	AddressRate float64 // messages a second that may come from one address, of IPv6 from one /64; 0 = no limit

	Hooks Hooks // what is noted for a webhook

	MaxRooms   int           // rooms that one session may have joined; 0 = 100
	Queue      int           // bytes that may wait for one connection, as its engine has it; 0 = 1 MiB
	MaxMessage int           // bytes of a message, as the engine has it: clients are told
	Ping       time.Duration // keep-alive interval, as the engine has it: clients are told

	Tokens      func(token string) (*Grant, *event.Error) // what a token allows, without waiting; nil: no token is needed, nor looked at
	OnNoToken   func()                                    // is told of each who is refused for having shown none, from any goroutine; nil: nobody is
	MaxSessions int                                       // connections that the bearers of one nick's tokens may have; 0 = 10. Without tokens a nick has one
}

func (c *Config) setDefaults() {
	if c.Log == nil {
		c.Log = history.Memory(history.Config{Trail: Trail, Passing: Passing})
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.MaxRooms == 0 {
		c.MaxRooms = 100
	}
	if c.MaxSessions == 0 {
		c.MaxSessions = 10
	}
	if c.Queue == 0 {
		c.Queue = 1 << 20
	}
	if c.Shards == 0 {
		// One processor is left to the loops and to the kernel's half of each write: two shards that write at once on
		// two processors took 10 % more CPU a delivery than one (make bench ARGS="-only broadcast").
		c.Shards = max(1, runtime.GOMAXPROCS(0)-1)
	}
}

// Hub is the chat: the registry of nicknames, in shards, and the road that every message takes. Its methods may be
// called from any goroutine.
type Hub struct {
	config    Config
	seed      maphash.Seed
	begun     time.Time
	shards    []*shard
	road      *road
	places    *places
	rates     *rates
	cluster   Cluster // nil: alone
	isJoined  atomic.Bool
	holds     holds
	recent    recent
	rulings   *rulings
	isDurable bool // storing waits for the disk
	online    atomic.Int64
	metrics   *metrics
	traces    atomic.Pointer[traces] // nil: nobody traces
	tracing   sync.Mutex             // held while traces is changed; a leaf
	knocking  sync.Mutex             // held while Hangs waits for the shards
	hangs     atomic.Pointer[error]  // what it found last
	sampled   atomic.Uint32          // messages that sample was asked for
	speaking  [dialects]atomic.Int64 // sessions by dialect, claimed ones too
	slots     chan struct{}          // for what is done apart
	saving    [64]sync.Mutex         // by claim: held while the log stores or drops it; leaves
	following [64]sync.Mutex         // by room: held while it is begun to be followed, which waits for the network; before places.mu

	complaints complaints

	stop     chan struct{}
	stopping sync.Mutex // held while stop is closed, and while something is begun apart; a leaf
	running  sync.WaitGroup
}

// New starts a hub. The caller ends it with Close.
func New(config Config) *Hub {
	config.setDefaults()
	h := &Hub{
		config: config, seed: maphash.MakeSeed(), begun: time.Now(), cluster: config.Cluster,
		holds:     holds{byKey: map[string]int{}},
		isDurable: config.Log.Durability() != history.DurabilityMem, slots: make(chan struct{}, maxApart),
		complaints: complaints{log: config.Logger, more: map[string]int{}}, stop: make(chan struct{}),
	}
	if h.cluster != nil {
		h.slots = make(chan struct{}, maxAsking)
	}
	h.rulings = newRulings(h)
	h.places = newPlaces(config.Shards, h.cluster != nil, h.attend, h.desert)
	h.rates = newRates(config)
	h.road = newRoad(h)
	for i := range config.Shards {
		h.shards = append(h.shards, newShard(h, i))
	}
	h.metrics = newMetrics(h, config.Metrics)
	for _, s := range h.shards {
		h.running.Go(func() { s.run(h.stop) })
	}
	h.running.Go(func() { h.road.run(h.stop) })
	h.running.Go(h.beat)
	h.noteBegin()
	if h.cluster != nil {
		h.join()
	} else if err := h.rulings.read(); err != nil {
		h.check(err)
		h.running.Go(h.rulings.begin)
	}
	return h
}

// beat does what is to be done every second.
func (h *Hub) beat() {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			h.tellPresence()
			h.rates.tidy(now)
			h.complaints.settle()
			for _, s := range h.shards {
				s.mail.put(tick{now})
			}
		case <-h.stop:
			return
		}
	}
}

// check complains of what the log could not do. A log that is closed or down says so by itself.
func (h *Hub) check(err error) {
	if err != nil && !errors.Is(err, history.ErrClosed) && !errors.Is(err, history.ErrDown) {
		h.complaints.tell(err)
	}
}

// logged is check for an error that is dealt with besides.
func (h *Hub) logged(err error) error {
	h.check(err)
	return err
}

// shardOf is the shard that owns a nick, by its key.
func (h *Hub) shardOf(key string) *shard {
	return h.shards[maphash.String(h.seed, key)%uint64(len(h.shards))]
}

var errStopped = &event.Error{Code: http.StatusServiceUnavailable, Message: "the server is shutting down"}

// Claim takes a nick, by the name of RFC 8266, for a connection of the tutorial dialect that is about to be let in. What
// it returns makes the session; it must be called exactly once. The errors have a Status: 400 for a bad nick, 409 for one
// in use.
func (h *Hub) Claim(caller Caller) (func(Peer) *Session, error) {
	enter, bad := h.claim(caller, tutorial)
	if bad != nil {
		return nil, bad
	}
	return enter, nil
}

// ClaimV2 is Claim for version 2. A nick that is in use, but whose claim can come back, is not refused: the session has to
// prove with its first frame that it is this one.
func (h *Hub) ClaimV2(caller Caller) (func(Peer) *Session, error) {
	enter, bad := h.claim(caller, version2)
	if bad != nil {
		return nil, bad
	}
	return enter, nil
}

func (h *Hub) claim(caller Caller, d dialect) (func(Peer) *Session, *event.Error) {
	nick, bad := ParseNick(caller.Name)
	if bad != nil {
		return nil, bad
	}
	nick = nick.clone() // it is a part of the request, which it would keep
	if h.isStopped() {
		return nil, errStopped
	}
	if bad := h.admits(nick.Key, caller.Addr); bad != nil {
		return nil, bad
	}
	s := &Session{hub: h, shard: h.shardOf(nick.Key), nick: nick, addr: caller.Addr, dialect: d}
	s.grant.Store(caller.Grant)
	s.all = member{session: s, index: -1}
	if d == version2 {
		s.visitor = &visitor{}
	}
	if h.isByToken() {
		bad = h.askOwned(s, caller.Grant)
	} else {
		bad = h.ask(s)
	}
	if bad != nil {
		return nil, bad
	}
	h.speaking[d].Add(1)
	return s.begin, nil
}

// ask asks for the nick of a session: first, in a cluster, for this node, and then its shard. A session of version 2 may be let in
// without it, if it can prove with a hello that it is the claim which has it.
func (h *Hub) ask(s *Session) *event.Error {
	var holder string
	var err error
	if h.cluster != nil {
		ctx, cancel := h.asking()
		defer cancel()
		holder, err = h.hold(ctx, s.nick.Key)
		s.holds = holder == "" && err == nil
	}
	var saved history.Claim
	var ok bool
	if err == nil {
		saved, ok, err = h.config.Log.ClaimByNick(s.nick.Key)
	}
	if h.check(err); err != nil {
		s.letGo()
		return errNoLookUp
	}
	ask := claim{session: s}
	if ok {
		ask.saved = &saved
	}
	if holder != "" {
		if s.dialect == version2 && ok && saved.Secret != nil {
			s.before = &saved
			return nil
		}
		return errInUse(s.nick)
	}
	return h.apply(ask)
}

var errNoLookUp = event.Unavailable("the nick cannot be looked up at present", retryAfter)

// apply asks a session's shard for its nick, and has what is said to the claim come to this node. Without success the nick is not
// held any more.
func (h *Hub) apply(ask claim) *event.Error {
	s := ask.session
	ask.answer = make(chan *event.Error, 1)
	s.shard.mail.put(ask)
	bad := errStopped
	select {
	case bad = <-ask.answer:
	case <-h.stop:
	}
	if bad != nil || s.claim() == 0 {
		s.letGo()
	}
	if bad == nil && s.claim() != 0 && h.followDirects(s.claim()) != nil {
		s.Closed()
		return errCutOff
	}
	return bad
}

// begin brings a session to life on its connection.
func (s *Session) begin(p Peer) *Session {
	s.peer, s.since = p, time.Now().UnixMilli()
	if s.dialect == version2 {
		wait := helloWait
		if s.claim() == 0 && !s.isFree {
			wait = proofWait
		}
		s.awaitHello(wait)
	}
	if ts := s.hub.traces.Load(); ts != nil {
		ts.session(s, Event{What: "opened"})
	}
	s.shard.mail.put(enter{s})
	return s
}

// awaitHello waits for the first frame, and as long again when it may have come and it is the server that is late.
func (s *Session) awaitHello(wait time.Duration) {
	time.AfterFunc(wait, func() {
		if s.peer.IsIdle() {
			s.shard.mail.put(silent{s})
		} else {
			s.awaitHello(wait)
		}
	})
}

// Settle waits until every message that the hub took before the call is queued for its recipients, or ctx ends.
func (h *Hub) Settle(ctx context.Context) error {
	settled := make(chan struct{}, len(h.shards))
	// A direct message is on its way to a shard, which finds the recipient, before it comes to the road.
	for _, s := range h.shards {
		s.mail.put(settle{settled})
	}
	if err := h.await(ctx, settled); err != nil {
		return err
	}
	p := &post{settle: &settle{settled}}
	h.road.waiting.Add(p.cost())
	h.road.mail.put(p)
	return h.await(ctx, settled)
}

// await waits for the answers of all shards.
func (h *Hub) await(ctx context.Context, settled <-chan struct{}) error {
	for range h.shards {
		select {
		case <-settled:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Close ends the hub. The connections must be gone.
func (h *Hub) Close() {
	h.stopping.Lock()
	close(h.stop)
	h.stopping.Unlock()
	h.running.Wait()
	h.complaints.settle()
}

// Online is how many sessions are in the chat.
func (h *Hub) Online() int { return int(h.online.Load()) }

// Epoch names the log that the seqs of messages belong to.
func (h *Hub) Epoch() string { return h.config.Log.Epoch() }

// Healthy is why messages cannot be stored or received at present; nil: they can.
func (h *Hub) Healthy() error {
	if h.cluster != nil && !h.isJoined.Load() {
		return errNotJoined
	}
	return h.config.Log.Healthy()
}
