package history

import (
	"slices"
	"time"
)

// model is what a log has to do, done naively.
type model struct {
	conf     Config
	convs    map[string]*modelConv
	known    map[dedupID]modelFirst
	claims   map[uint64]Claim
	marks    map[markID]Marks
	directs  map[uint64]map[string]Direct
	weigh    func(Message) int64
	isStream bool
	forgets  bool               // a conversation as a whole when nothing is left of it, as a log in memory
	floor    uint64             // highest seq of what was forgotten
	dropped  map[uint64]bool    // claims that were dropped once: what is said to them later may be known to them or not
	looked   time.Time          // when a log in memory last looked who is away for too long
	mids     map[string]Message // of all messages ever
	highest  uint64
}

type modelConv struct {
	stored        []Message
	last, trimmed uint64
	bytes         int64
}

type modelFirst struct {
	msg Message
	at  time.Time
}

func newModel(c Config) *model {
	return &model{
		conf: c, weigh: weigh, convs: map[string]*modelConv{}, known: map[dedupID]modelFirst{}, claims: map[uint64]Claim{},
		dropped: map[uint64]bool{}, marks: map[markID]Marks{}, directs: map[uint64]map[string]Direct{}, mids: map[string]Message{},
	}
}

func (m *model) conv(name string) *modelConv {
	c := m.convs[name]
	if c == nil {
		c = &modelConv{}
		m.convs[name] = c
	}
	if c.last == 0 && m.forgets {
		c.trimmed = m.floor
	}
	return c
}

// weigh gives the size of a message's record.
func weigh(m Message) int64 {
	return int64(len(appendMessage(nil, &m, midTimeOf(m.Mid))))
}

// midTimeOf reads the time from an id.
func midTimeOf(mid string) (at born) {
	for _, c := range mid[:midTime] {
		at = at<<5 | born(slices.Index([]byte(midChars), byte(c)))
	}
	return at
}

func (m *model) trim(now time.Time) {
	for name, c := range m.convs {
		had := len(c.stored)
		for len(c.stored) > 0 {
			oldest := c.stored[0]
			tooMany := m.conf.KeepCount > 0 && len(c.stored) > m.conf.KeepCount
			tooMuch := m.conf.KeepBytes > 0 && c.bytes > m.conf.KeepBytes
			tooOld := m.conf.KeepAge > 0 && oldest.Ts < now.Add(-m.conf.KeepAge).UnixMilli()
			if !tooMany && !tooMuch && !tooOld {
				break
			}
			c.stored, c.trimmed = c.stored[1:], oldest.Seq
			c.bytes -= m.weigh(oldest)
		}
		if had > 0 && len(c.stored) == 0 {
			m.forget(name, c)
		}
	}
}

// lapse forgets the claims that have been away for too long.
func (m *model) lapse(now time.Time) {
	for id, c := range m.claims {
		isOld := m.conf.KeepAge > 0 && c.Away > 0 && c.Away < now.Add(-max(m.conf.KeepAge, 10*time.Minute)).UnixMilli()
		if isOld && len(m.directs[id]) == 0 && !m.isStream {
			m.drop(id)
		}
	}
}

// drop forgets a claim.
func (m *model) drop(id uint64) {
	delete(m.claims, id)
	for of := range m.marks {
		if of.claim == id {
			delete(m.marks, of)
		}
	}
}

// tidy is what a log in memory does whenever it is written to.
func (m *model) tidy(now time.Time) {
	if !m.forgets {
		return
	}
	m.trim(now)
	if now.Sub(m.looked) >= time.Minute {
		m.looked = now
		m.lapse(now)
	}
}

// forget is done with a conversation of which nothing is left.
func (m *model) forget(name string, c *modelConv) {
	claims, isDirect := claimsOf(name)
	if isDirect && !m.isStream || m.forgets {
		m.floor = max(m.floor, c.last)
	}
	if m.forgets {
		delete(m.convs, name)
	}
	for _, claim := range claims {
		if isDirect && !m.isStream {
			delete(m.directs[claim], name)
			delete(m.marks, markID{claim, name})
		}
	}
}
