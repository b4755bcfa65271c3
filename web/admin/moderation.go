package admin

import (
	"math"

	"github.com/go-json-experiment/json/jsontext"
)

// Act is an act of moderation, done or to be done. What a kind of act does not have is empty.
type Act struct {
	Kind   string         `json:"kind"` // kick, mute, unmute, ban, unban, delete, readonly, writable, motd
	Nick   string         `json:"nick,omitzero"`
	Addr   string         `json:"addr,omitzero"`   // an IP address, or a prefix such as 10.0.0.0/8
	Room   string         `json:"room,omitzero"`   // a room's name
	Mid    string         `json:"mid,omitzero"`    // a message's id
	Text   jsontext.Value `json:"text,omitzero"`   // the message of the day
	Until  int64          `json:"until,omitzero"`  // ms since 1970: when it ends; 0: never
	Reason string         `json:"reason,omitzero"` // for whom it strikes, too
	By     string         `json:"by,omitzero"`     // a nick, or api: and the name of the key that it was done with

	// Set by Moderate.
	ID  string `json:"id"`  // ids sort as the acts were done
	At  int64  `json:"at"`  // ms since 1970
	Seq uint64 `json:"seq"` // its place among the acts, for Chat.Acts
}

// striking is the body of a request to do something to somebody. What stands in it is for the chat to judge.
type striking struct {
	Nick   string `json:"nick"`
	Addr   string `json:"addr"`
	Room   string `json:"room"`
	For    int64  `json:"for_s"` // seconds; 0: for ever
	Reason string `json:"reason"`
}

// maxFor is the longest time of a mute or a ban, in seconds: a hundred years.
const maxFor = 100 * 365 * 24 * 60 * 60

// striker is what does an act of a kind of which the body says the rest.
func (s *Server) striker(kind string) func(*call) (any, error) {
	return func(c *call) (any, error) {
		var b striking
		if err := c.decode(&b); err != nil {
			return nil, err
		}
		if b.For < 0 || b.For > maxFor {
			return nil, malformed("want for_s as a number of seconds up to 3153600000, 0 for ever")
		}
		act := Act{Kind: kind, Nick: b.Nick, Addr: b.Addr, Room: b.Room, Reason: b.Reason}
		if b.For > 0 {
			act.Until = c.began.UnixMilli() + b.For*1000
		}
		return s.moderate(c, act)
	}
}

// moderate does an act in the name of the caller's key.
func (s *Server) moderate(c *call, act Act) (any, error) {
	if q := c.query(); q.bad != nil {
		return nil, q.bad
	}
	act.By = "api:" + c.key.Name
	return s.chat.Moderate(c.Context(), act)
}

// readOnly closes a room for everybody but moderators, or opens it again.
func (s *Server) readOnly(c *call) (any, error) {
	var b struct {
		Room     string `json:"room"`
		ReadOnly *bool  `json:"readonly"`
		Reason   string `json:"reason"`
	}
	if err := c.decode(&b); err != nil {
		return nil, err
	}
	if b.ReadOnly == nil {
		return nil, malformed("want readonly: true or false")
	}
	act := Act{Kind: "writable", Room: b.Room, Reason: b.Reason}
	if *b.ReadOnly {
		act.Kind = "readonly"
	}
	return s.moderate(c, act)
}

// deleteMessage removes what a message says.
func (s *Server) deleteMessage(c *call) (any, error) {
	q := c.query("reason")
	act := Act{Kind: "delete", Mid: c.names[0], Reason: q.text("reason"), By: "api:" + c.key.Name}
	if q.bad != nil {
		return nil, q.bad
	}
	return s.chat.Moderate(c.Context(), act)
}

// setMotd changes the message of the day.
func (s *Server) setMotd(c *call) (any, error) {
	var b struct {
		Text jsontext.Value `json:"text"`
	}
	if err := c.decode(&b); err != nil {
		return nil, err
	}
	if b.Text == nil {
		return nil, malformed(`want text: any JSON value; "" for none`)
	}
	return s.moderate(c, Act{Kind: "motd", Text: b.Text})
}

// motd is the message of the day.
type motd struct {
	Text jsontext.Value `json:"text"` // null: there is none
}

func (s *Server) motd(c *call) (any, error) {
	if q := c.query(); q.bad != nil {
		return nil, q.bad
	}
	rules, err := s.chat.Rules(c.Context())
	for _, r := range rules {
		if r.Kind == "motd" {
			return motd{r.Text}, err
		}
	}
	return motd{jsontext.Value("null")}, err
}

// ruleList is a page of what is in force, in the order in which it was done.
type ruleList struct {
	Count int   `json:"count"` // of all that were asked for
	Rules []Act `json:"rules"`
}

func (s *Server) rules(c *call) (any, error) {
	q := c.query("kind", "offset", "limit")
	kind, offset := q.text("kind"), q.number("offset", 0, math.MaxInt32, 0)
	limit := q.number("limit", 1, maxNames, maxNames)
	if q.bad != nil {
		return nil, q.bad
	}
	all, err := s.chat.Rules(c.Context())
	if err != nil {
		return nil, err
	}
	var list ruleList
	for _, r := range all {
		if kind == "" || kind == r.Kind {
			list.Rules = append(list.Rules, r)
		}
	}
	list.Count = len(list.Rules)
	from := min(int(offset), list.Count)
	list.Rules = list.Rules[from:min(from+int(limit), list.Count)]
	return list, nil
}

// trail is a page of what was done, the newest first.
type trail struct {
	Acts []Act `json:"acts"`
	More bool  `json:"more"`
}

func (s *Server) audit(c *call) (any, error) {
	q := c.query("before", "limit")
	before, limit := q.seq("before"), q.number("limit", 1, maxMessages, defaultLimit)
	if q.bad != nil {
		return nil, q.bad
	}
	acts, more, err := s.chat.Acts(c.Context(), before, int(limit))
	return trail{acts, more}, err
}
