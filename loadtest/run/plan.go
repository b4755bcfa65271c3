package run

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"throng/loadtest"
	"throng/loadtest/ledger"
	"throng/loadtest/report"
)

// Plan is what a load run is asked to do. It is a plain value; whoever has one owns its slices.
type Plan struct {
	Addrs     []string      // HOST:PORT of the servers. None: Serve must not be 0
	Chats     int           // 1: the servers are nodes of one chat; 0: each is a chat of its own
	TLS       TLS           // how they are spoken to
	Token     Token         // makes what users show to come in; nil: they show nothing
	Serve     int           // servers to start on this machine; 0: none, Addrs are there; Auto: as many as Users need
	Users     int           // simulated users, at least 1
	Scenario  string        // idle, broadcast, direct, chat, churn, storm or slow
	Dialect   string        // v2 or tutorial; v2 becomes tutorial where the server does not speak it
	Rate      float64       // messages a second in all, sent at their time whatever the server does; 0: none
	Size      int           // bytes of a message's text; less than a stamp needs is widened to that
	WarmUp    time.Duration // sending that is accounted for, but whose latencies are not
	Duration  time.Duration // the steady phase
	Ramp      time.Duration // time over which the connects are spread; 0: as fast as it goes
	Late      time.Duration // a delivery later than this counts as late
	Talkers   int           // users of a chat who speak to everyone
	Sources   []netip.Addr  // local addresses to connect from; none: 127.0.0.2 to .33 towards loopback, else the system's choice
	Processes int           // load processes on this machine; 0: as many as the open-file limit asks for
	Remote    []string      // HOST:PORT of workers on other machines
	Key       string        // the secret that remote workers ask for
	Pids      []int         // servers on this machine to watch
	Admins    []string      // URLs of private listeners to watch
	Step      time.Duration // length of a step of the capacity search
	SLOs      []report.SLO  // levels to keep
	Search    bool          // search the highest rate at which the levels hold, from Rate on
}

// Token makes what the user of a nick shows to come in (RFC 6750, 2.1). It has to last for the whole run, and is asked by one goroutine.
type Token func(nick string) (string, error)

// Auto as [Plan.Serve] starts as many servers as the open-file limit asks for.
const Auto = -1

// TLS says how wss servers are spoken to.
type TLS struct {
	On       bool   `json:"on,omitempty"`
	CA       []byte `json:"ca,omitempty"` // PEM of the authority; empty: the system's
	Insecure bool   `json:"insecure,omitempty"`
}

// config is what a swarm needs for it, nil for ws.
func (t TLS) config() *loadtest.TLS {
	if !t.On {
		return nil
	}
	return &loadtest.TLS{CA: t.CA, Insecure: t.Insecure}
}

// urls are the servers' addresses as a user writes them.
func (p *Plan) urls() []string {
	scheme := "ws://"
	if p.TLS.On {
		scheme = "wss://"
	}
	var urls []string
	for _, addr := range p.Addrs {
		urls = append(urls, scheme+addr)
	}
	return urls
}

// onLoopback says whether all servers are on this machine.
func (p *Plan) onLoopback() bool {
	for _, addr := range p.Addrs {
		if at, err := net.ResolveTCPAddr("tcp", addr); err != nil || !at.IP.IsLoopback() {
			return false
		}
	}
	return true
}

// contacts is how many people a user writes to in private. Few, as with people; and the ledger keeps 4 bytes for each.
const contacts = 4

// In version 2 every user is in two rooms of about roomSize people, of whom roomTalkers speak.
const (
	roomSize    = 50
	roomTalkers = 4
)

// connectLimit is how long an attempt to connect may take.
const connectLimit = 30 * time.Second

// share is what a worker has to know: the plan, and which part of it is the worker's.
type share struct {
	Run      uint32        `json:"run"` // marks the messages and nicks of this run
	Addrs    []string      `json:"addrs"`
	TLS      TLS           `json:"tls"`
	Scenario string        `json:"scenario"`
	Dialect  string        `json:"dialect"`
	Size     int           `json:"size"`
	Ramp     time.Duration `json:"ramp"`
	Late     time.Duration `json:"late"`
	Sources  []netip.Addr  `json:"sources"`
	Shape    ledger.Shape  `json:"shape"`
	From     int           `json:"from"` // the worker's users are From to To-1
	To       int           `json:"to"`
	Rate     float64       `json:"rate"`   // messages a second in all that are planned, to choose how the worker reads
	Origin   int64         `json:"origin"` // the run's zero on the coordinator's clock, nanoseconds
}

// deliveries is how many a second the worker's users are to get.
func (s *share) deliveries() float64 {
	chat := float64(s.Shape.Users) / float64(s.Shape.Chats)
	m := s.mix()
	all := s.Rate * (m.broadcast*chat + m.rooms*roomSize + m.direct())
	return all * float64(s.To-s.From) / float64(s.Shape.Users)
}

// shape is who talks to whom.
func (p *Plan) shape(run uint32) ledger.Shape {
	s := ledger.Shape{Users: p.Users, Chats: p.chats(), Talkers: p.Talkers, Contacts: contacts, Seed: uint64(run)}
	if p.mix().rooms > 0 {
		s.RoomSize, s.RoomTalkers = roomSize, roomTalkers
	}
	return s
}

// chats is over how many chats the users are spread.
func (p *Plan) chats() int { return cmp.Or(p.Chats, len(p.Addrs)) }

// shares cuts the users into ranges, one for each of n workers.
func (p *Plan) shares(n int, run uint32, origin int64) []share {
	shares := make([]share, n)
	for i := range shares {
		shares[i] = share{
			Run: run, Addrs: p.Addrs, TLS: p.TLS, Scenario: p.Scenario, Dialect: p.Dialect, Size: p.Size, Ramp: p.Ramp,
			Late: p.Late, Rate: p.Rate, Sources: p.Sources, Shape: p.shape(run), From: p.Users * i / n, To: p.Users * (i + 1) / n,
			Origin: origin,
		}
	}
	return shares
}

// check refuses what no run can do. The settings have checked the bounds of each value already.
func (p *Plan) check() error {
	perChat := p.Users / max(p.chats(), 1)
	switch {
	case len(p.Addrs) == 0:
		return errors.New("no server to load")
	case perChat < 1:
		return fmt.Errorf("%d users for %d chats: each needs one", p.Users, p.chats())
	case p.Search && p.Scenario == "storm":
		return errors.New("a capacity search has no storms: choose scenario chat")
	case perChat < 2 && p.mix().broadcast < 1 && p.Scenario != "idle":
		return fmt.Errorf("%d users for %d chats: scenario %s needs two users a chat", p.Users, p.chats(), p.Scenario)
	}
	return nil
}

// mix is what a scenario consists of.
type mix struct {
	broadcast float64 // share of the messages that go to everyone
	rooms     float64 // share of those that go to a room, in version 2; the others go to one person
	zipf      bool    // few talk much and many little
	churning  bool    // every tenth user comes and goes
	slow      bool    // every 100th user never reads, and four more read slowly
	storming  bool    // all drop and return at once, in the middle
	silent    bool
	v2        bool // what somebody misses is kept for them
}

var mixes = map[string]mix{
	"idle":      {silent: true},
	"broadcast": {broadcast: 1},
	"direct":    {},
	"chat":      {broadcast: 0.02, rooms: 0.3, zipf: true},
	"churn":     {broadcast: 0.02, rooms: 0.3, zipf: true, churning: true},
	"storm":     {broadcast: 0.02, rooms: 0.3, zipf: true, storming: true},
	"slow":      {broadcast: 1, slow: true},
}

// mixOf is a scenario in a dialect. The tutorial dialect has no rooms.
func mixOf(scenario, dialect string) mix {
	m := mixes[scenario]
	if m.v2 = dialect == "v2"; !m.v2 {
		m.rooms = 0
	}
	return m
}

func (p *Plan) mix() mix  { return mixOf(p.Scenario, p.Dialect) }
func (s *share) mix() mix { return mixOf(s.Scenario, s.Dialect) }

// direct is the share of the messages that go to one person.
func (m mix) direct() float64 { return 1 - m.broadcast - m.rooms }

// rate is how many messages a second are sent in all.
func (p *Plan) rate() float64 {
	if p.mix().silent {
		return 0
	}
	return p.Rate
}

// usual are the levels of a capacity search that was given none: nothing lost, and nobody waits long.
func (p *Plan) usual() []report.SLO {
	levels := []string{"lost==0"}
	if p.mix().broadcast > 0 {
		levels = append(levels, "broadcast.p99<500ms")
	}
	if p.mix().rooms > 0 {
		levels = append(levels, "room.p99<100ms")
	}
	if p.mix().direct() > 0 {
		levels = append(levels, "direct.p99<100ms")
	}
	var parsed []report.SLO
	for _, text := range levels {
		level, err := report.ParseSLO(text)
		if err != nil {
			panic(err) // the texts above are wrong
		}
		parsed = append(parsed, level)
	}
	return parsed
}
