package room

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"throng/room/event"
	"throng/room/history"
)

// Hooks is what is kept in the log for a webhook, besides what is there anyway. The acts of moderators are.
type Hooks struct {
	IsOn        bool // there is a webhook
	Messages    bool // what two people of the tutorial dialect say to each other too, which is not stored otherwise
	Connects    bool
	Disconnects bool
}

// The types of what happens.
const (
	HappenedMessage    = "message"
	HappenedConnect    = "connect"    // a session has its nick
	HappenedDisconnect = "disconnect" // and has it no more
	HappenedModeration = "moderation"
)

// What webhooks keep in the log: a conversation, in which up to where all was told is the mark Sent of a claim that nobody has.
const (
	HookConv  = convHook
	HookClaim = 2 // those of people are odd
)

// Happening is something that has happened, as a webhook tells it.
type Happening struct {
	Type string
	User string // the key of the nick whose it is; "": the server's
	Data []byte // JSON
}

// note is something that has happened and is to be stored, unless somebody has said it already under the same cid.
type note struct {
	nick string
	cid  string
	body []byte // JSON of noted; nil: nothing has happened, it reminds the road of what it has yet to store

	unsaid *history.Message // instead: who said this has taken it back
}

// noted is what the log keeps of a note.
type noted struct {
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

// sessionNote is what is told of a session that begins or ends.
type sessionNote struct {
	Nick    string `json:"nick"`
	Session string `json:"session"`        // the same at its beginning and its end, and in the welcome of version 2
	Dialect string `json:"dialect"`        // "tutorial" or "v2"
	Server  string `json:"server"`         // that it is on: the process; it has another name after a restart
	Addr    string `json:"addr,omitempty"` // where the client is
}

// endNote tells of a server that has ended: its sessions have too, those also of whose end nothing was stored.
type endNote struct {
	Reason string `json:"reason"`           // "server ended"
	Server string `json:"server,omitempty"` // that one; else
	Except string `json:"except,omitempty"` // every one but this
}

func (n *note) isNothing() bool { return n != nil && n.body == nil }

// entry is the note as the log takes it.
func (n *note) entry() *history.Entry {
	if n.unsaid != nil {
		return unsaidEntry(n.unsaid)
	}
	return &history.Entry{Message: history.Message{Conv: convHook, Claim: HookClaim, From: n.nick, Cid: n.cid, Body: n.body}}
}

// note has something stored. It does not wait, and is not refused: there are few notes, a session has two.
func (h *Hub) note(nick, cid, kind string, data any) {
	p := &post{note: &note{nick: nick, cid: cid, body: encode(noted{kind, encode(data)})}}
	h.road.waiting.Add(p.cost())
	h.road.mail.put(p)
}

func (h *Hub) noteEnter(s *Session) {
	if h.config.Hooks.Connects {
		h.note(s.name(), s.giveNumber()+"+", HappenedConnect, h.portray(s))
	}
}

func (h *Hub) noteLeave(s *Session) {
	if h.config.Hooks.Disconnects {
		h.note(s.name(), s.giveNumber()+"-", HappenedDisconnect, h.portray(s))
	}
}

// noteBegin tells that this server has begun, where that ends all others: what was open when one ended is open no more. The note is in
// front of all that is said here; where it is not told it says from where on there is a webhook, see HookBegin.
func (h *Hub) noteBegin() {
	if h.config.Hooks.Disconnects && h.cluster == nil && h.mayHaveBegun() {
		h.note("", "", HappenedDisconnect, endNote{Reason: reasonEnded, Except: h.server()})
	} else if h.config.Hooks.IsOn {
		h.note("", "", "begin", struct{}{})
	}
}

// mayHaveBegun is that a webhook may have been told of sessions of a server before this one. A log in memory does not know.
func (h *Hub) mayHaveBegun() bool {
	head, err := h.config.Log.Head(convHook)
	h.check(err)
	return err != nil || head.Last != 0 || h.config.Log.Durability() == history.DurabilityMem
}

// HookBegin is from where on a webhook that has no mark yet is to tell what has happened: behind that seq; 0: nothing was noted. A mark
// is not durable at once, but a note is.
func HookBegin(log history.Log) (seq uint64, err error) {
	first, _, err := log.Read(convHook, 1, 0, 1)
	if err != nil || len(first) == 0 {
		return 0, err
	}
	return first[0].Seq - 1, nil
}

// noteEnd tells that a node has ended. All others say so, and one is heard.
func (h *Hub) noteEnd(node string) {
	if h.config.Hooks.Disconnects {
		h.note("", "end "+node, HappenedDisconnect, endNote{Reason: reasonEnded, Server: node})
	}
}

const reasonEnded = "server ended"

func (h *Hub) portray(s *Session) sessionNote {
	n := sessionNote{Nick: s.name(), Session: s.id(), Dialect: "tutorial", Server: h.server()}
	if s.dialect == version2 {
		n.Dialect = "v2"
	}
	if s.addr.IsValid() {
		n.Addr = s.addr.String()
	}
	return n
}

// server is what this process is called in notes.
func (h *Hub) server() string {
	if h.cluster != nil {
		return h.cluster.Node()
	}
	return fmt.Sprintf("%x", h.begun.UnixNano())
}

// giveNumber gives a session its number, if it has none, and returns its id. The shard calls it.
func (s *Session) giveNumber() (id string) {
	if s.number == 0 {
		s.number = rand.Uint64() | 1
	}
	return s.id()
}

// id is what the client, and a webhook, is told the session is called.
func (s *Session) id() string { return fmt.Sprintf("%016x", s.number) }

// maxUnnoted is how many notes wait at most for a log that cannot store.
const maxUnnoted = 1 << 16

// noteLater keeps a note that could not be stored, in front of what comes later.
func (r *road) noteLater(p *post) {
	if len(r.unnoted) >= maxUnnoted {
		r.hub.metrics.unnoted.Inc()
		r.giveUp(p)
		return
	}
	r.unnoted = append(r.unnoted, p)
	if !r.isReminded {
		r.isReminded = true
		reminder := &post{note: &note{}}
		r.waiting.Add(reminder.cost())
		time.AfterFunc(retryAfter, func() { r.mail.put(reminder) })
	}
}

// withUnnoted is a batch with what could not be noted before it. The reminder may be in it.
func (r *road) withUnnoted(batch []*post) []*post {
	r.isReminded = r.isReminded && !slices.ContainsFunc(batch, func(p *post) bool { return p.note.isNothing() })
	if len(r.unnoted) == 0 {
		return batch
	}
	batch = append(r.unnoted, batch...)
	r.unnoted = nil
	return batch
}

// saidNote is what is told of a message.
type saidNote struct {
	Mid     string          `json:"mid"`
	From    string          `json:"from_user"`
	To      string          `json:"to_user,omitempty"`
	Room    string          `json:"room,omitempty"`
	Message json.RawMessage `json:"message"`
	IsGone  bool            `json:"deleted,omitempty"` // it has been removed what the message said, which is null then
}

// Happened is what a message of the log means to a webhook; false: nothing.
func Happened(m *history.Message) (is Happening, ok bool) {
	switch m.Conv {
	case convHook:
		var n noted
		if json.Unmarshal(m.Body, &n) != nil {
			return is, false
		}
		is.Type, is.Data = n.Type, n.Data
	case convRulings:
		e, ok := decodeEntry(m)
		if !ok || e.Digest != nil {
			return is, false
		}
		is.Type, is.Data = HappenedModeration, encode(e.actOf(m))
	case convUnsaid:
		is.Type, is.Data = HappenedModeration, encode(takenBack(m))
	default:
		body := json.RawMessage(m.Body)
		if m.IsErased() || !json.Valid(body) { // the latter nobody was let store; null is better than no event
			body = nil
		}
		is.Type, is.Data = HappenedMessage, encode(saidNote{m.Mid, m.From, m.To, m.Room, body, m.IsErased()})
	}
	if m.From != "" && m.From != event.System {
		is.User = keyOf(m.From)
	}
	return is, true
}
