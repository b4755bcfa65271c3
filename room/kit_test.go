package room

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"throng/room/event"
	"throng/room/history"
)

// object is what the server sent to a client of version 2: all the keys that there are.
type object struct {
	T        string          `json:"t"`
	ID       json.RawMessage `json:"id"`
	Nick     string          `json:"nick"`
	Session  string          `json:"session"`
	Resume   string          `json:"resume"`
	Epoch    string          `json:"epoch"`
	Count    int             `json:"count"`
	Users    *[]string       `json:"users"`
	Joined   []string        `json:"joined"`
	Left     []string        `json:"left"`
	FromUser string          `json:"from_user"`
	ToUser   string          `json:"to_user"`
	Message  json.RawMessage `json:"message"`
	Mid      string          `json:"mid"`
	Cid      string          `json:"cid"`
	Conv     string          `json:"conv"`
	Room     string          `json:"room"`
	Members  int             `json:"members"`
	Seq      uint64          `json:"seq"`
	Prev     uint64          `json:"prev"`
	Ts       int64           `json:"ts"`
	Dur      string          `json:"dur"`
	Online   json.RawMessage `json:"online"` // a number in a welcome, a boolean in an ack
	Msgs     []object        `json:"msgs"`
	More     bool            `json:"more"`
	From     uint64          `json:"from"`
	To       uint64          `json:"to"`
	Code     int             `json:"code"`
	Retry    bool            `json:"retry"`
	RetryMs  int64           `json:"retry_after_ms"`
	Expires  int64           `json:"expires"`
	PingS    float64         `json:"ping_s"`

	Limits struct {
		MaxMessage int     `json:"max_message"`
		MaxRooms   int     `json:"max_rooms"`
		Rate       float64 `json:"rate"`
		Burst      int     `json:"burst"`
	} `json:"limits"`

	Deleted   bool            `json:"deleted"`
	Moderator bool            `json:"moderator"`
	Motd      json.RawMessage `json:"motd"`

	Recovered json.RawMessage `json:"recovered"` // a map in a welcome, a boolean in a joined
}

// recovered is the map of a welcome.
func (o object) recovered() (m map[string]bool) {
	_ = json.Unmarshal(o.Recovered, &m)
	return m
}

// String is the object in short, without what differs from run to run.
func (o object) String() string {
	switch s := o.T + " " + string(o.ID); o.T {
	case "welcome":
		m := o.recovered()
		for _, name := range slices.Sorted(maps.Keys(m)) {
			s += fmt.Sprintf(" %s=%v", name, m[name])
		}
		return s
	case "ack":
		return strings.TrimRight(fmt.Sprintf("%s %s %s %s", s, o.Conv, o.Cid, o.Online), " ")
	case "msg":
		return strings.TrimRight(fmt.Sprintf("msg %s %s: %s %s", o.Conv, o.FromUser, o.Message, o.Cid), " ")
	case "joined":
		return fmt.Sprintf("%s %s %d %s", s, o.Conv, o.Members, o.Recovered)
	case "left":
		return s + " " + o.Room
	case "history":
		var texts []string
		for _, m := range o.Msgs {
			texts = append(texts, string(m.Message))
		}
		return fmt.Sprintf("%s %s %v %v", s, o.Conv, texts, o.More)
	case "presence":
		if o.Users != nil {
			return fmt.Sprintf("%s %s %d %v", s, o.Room, o.Count, *o.Users)
		}
		return fmt.Sprintf("presence %s %d +%v -%v", o.Conv, o.Count, o.Joined, o.Left)
	case "typing":
		return fmt.Sprintf("typing %s %s", o.Conv, o.FromUser)
	case "recv", "read":
		return fmt.Sprintf("%s %s %s %d", o.T, o.Conv, o.FromUser, o.Seq)
	case "gap":
		return fmt.Sprintf("gap %s %d-%d", o.Conv, o.From, o.To)
	case "deleted":
		return fmt.Sprintf("deleted %s", o.Conv)
	case "motd":
		return fmt.Sprintf("motd %s", o.Motd)
	case "bye":
		return fmt.Sprintf("bye %d", o.Code)
	case "err":
		return fmt.Sprintf("%s %d", s, o.Code)
	}
	return o.T + " " + string(o.ID)
}

// objects reads what a client of version 2 got.
func objects(t fataler, messages []string) (all []object) {
	t.Helper()
	for _, text := range messages {
		for line := range strings.SplitSeq(text, "\n") {
			var o object
			if err := json.Unmarshal([]byte(line), &o); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			all = append(all, o)
		}
	}
	return all
}

// bubble is a hub on a clock of its own, which stands still while anybody is at work: time passes only when a test
// sleeps, and what a frame leads to is over when send returns.
type bubble struct {
	*Hub
	t fataler
}

// inBubble runs a test with a hub in a bubble of its own.
func inBubble(t *testing.T, config Config, test func(t *testing.T, c *bubble)) {
	t.Helper()
	if config.Shards == 0 {
		config.Shards = 3
	}
	synctest.Test(t, func(t *testing.T) {
		test(t, &bubble{newHub(t, config), t})
	})
}

// again starts another hub over the log of the first, as after a restart. The users of the first must be gone.
func (c *bubble) again(t *testing.T) *bubble { return &bubble{newHub(t, c.config), t} }

// user is a client.
type user struct {
	*Session           // nil: it was refused
	wantsPresence bool // else what is pushed of it is no news

	t      fataler
	peer   *fakePeer
	seen   int // messages of the peer that were looked at
	resume string
	epoch  string
	seqs   map[string]uint64 // the last seq by conversation
}

// meet connects a client of version 2 that says nothing yet.
func (c *bubble) meet(nick string) *user { return c.meetOn(nick, &fakePeer{}) }

func (c *bubble) meetOn(nick string, p *fakePeer) *user {
	u := &user{t: c.t, peer: p, seqs: map[string]uint64{}}
	u.come(c.Hub, nick)
	synctest.Wait()
	return u
}

// come connects. When that is refused the connection is closed with a code, as a server does after the upgrade.
func (u *user) come(h *Hub, nick string) {
	enter, err := h.ClaimV2(Caller{Name: nick})
	switch status(err) {
	case 0:
		u.Session = enter(u.peer)
	case http.StatusBadRequest:
		u.peer.Close(event.CloseBadNick, "")
	case http.StatusConflict:
		u.peer.Close(event.CloseInUse, "")
	default:
		u.peer.Close(event.CloseFull, "")
	}
}

// old connects a client of the tutorial dialect.
func (c *bubble) old(nick string) *user {
	c.t.Helper()
	p := &fakePeer{}
	return &user{Session: join(c.t, c.Hub, nick, p), t: c.t, peer: p}
}

// hello connects a client of version 2 that says hello, with more members if rest has them, and is welcome.
func (c *bubble) hello(nick, rest string) (*user, []object) {
	c.t.Helper()
	u := c.meet(nick)
	return u, u.hello(rest)
}

// in is hello of somebody who was never there.
func (c *bubble) in(nick string) *user {
	c.t.Helper()
	u, _ := c.hello(nick, "")
	return u
}

// hello says hello, and returns what comes of it, the welcome first.
func (u *user) hello(rest string) []object {
	u.t.Helper()
	u.send(`{"t":"hello","id":0%s}`, rest)
	news := u.news()
	if len(news) == 0 || news[0].T != "welcome" {
		u.t.Fatalf("hello%s is answered by %v, closed with %d", rest, news, u.peer.closedWith())
	}
	u.resume, u.epoch = news[0].Resume, news[0].Epoch
	return news
}

// send sends a frame, and returns when all that it leads to is done.
func (u *user) send(frame string, args ...any) {
	u.write(frame, args...)
	synctest.Wait()
}

// write sends a frame, as a loop does.
func (u *user) write(frame string, args ...any) {
	if u.Session == nil {
		return
	}
	u.Message(false, fmt.Appendf(nil, frame, args...))
	u.peer.Flush()
}

// news is what has come since it was last asked for. In each conversation seqs must grow.
func (u *user) news() (news []object) {
	u.t.Helper()
	all := u.peer.messages()
	for _, o := range objects(u.t, all[u.seen:]) {
		if o.T != "presence" || o.Users != nil || u.wantsPresence {
			news = append(news, o)
		}
	}
	u.seen = len(all)
	for _, o := range news {
		if o.T != "msg" {
			continue
		}
		if last := u.seqs[o.Conv]; o.Seq <= last {
			u.t.Fatalf("%s got %v with seq %d after %d", u.nick.Name, o, o.Seq, last)
		}
		u.seqs[o.Conv] = o.Seq
	}
	return news
}

// sees checks what has come since it was last asked for, in any order, and returns it in the order of want.
func (u *user) sees(want ...string) []object {
	u.t.Helper()
	news := u.news()
	var got []string
	for _, o := range news {
		got = append(got, o.String())
	}
	if !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
		u.t.Fatalf("%s sees %q, want %q", u.nick.Name, got, want)
	}
	found := make([]object, 0, len(want))
	for _, text := range want {
		i := slices.Index(got, text)
		got[i] = ""
		found = append(found, news[i])
	}
	return found
}

// hears checks what a client of the tutorial dialect got since it was last asked for.
func (u *user) hears(want ...string) {
	u.t.Helper()
	synctest.Wait()
	all := u.peer.messages()
	if got := all[u.seen:]; !slices.Equal(got, want) {
		u.t.Fatalf("%s hears %q, want %q", u.nick.Name, got, want)
	}
	u.seen = len(all)
}

// drop cuts the connection.
func (u *user) drop() {
	u.peer.shut()
	if u.Session != nil {
		u.Closed()
	}
	synctest.Wait()
}

// isClosed checks with which code the connection was closed; 0 is not at all.
func (u *user) isClosed(code uint16) {
	u.t.Helper()
	if got := u.peer.closedWith(); got != code {
		u.t.Fatalf("closed with %d, want %d", got, code)
	}
}

// with is the member of a hello with which a claim comes back.
func (u *user) with() string { return fmt.Sprintf(`,"resume":%q`, u.resume) }

// fakeLog is a log that can be held up, fail and look durable.
type fakeLog struct {
	history.Log
	durability string                       // "" is that of Log
	append     func([]*history.Entry) error // before Append; nil: nothing
	read       func(conv string)            // before Read; nil: nothing
	hasRead    func()                       // after Read; nil: nothing
	save       func(c history.Claim) error  // before SaveClaim; nil: nothing
}

func newFakeLog() *fakeLog { return &fakeLog{Log: history.Memory(history.Config{})} }

// newDownLog is a log that stores nothing while isDown.
func newDownLog() (log *fakeLog, isDown *atomic.Bool) {
	log, isDown = newFakeLog(), &atomic.Bool{}
	log.append = func([]*history.Entry) error {
		if isDown.Load() {
			return errors.New("down")
		}
		return nil
	}
	return log, isDown
}

func (l *fakeLog) Durability() string {
	if l.durability != "" {
		return l.durability
	}
	return l.Log.Durability()
}

func (l *fakeLog) Append(batch []*history.Entry) error {
	if l.append != nil {
		if err := l.append(batch); err != nil {
			return err
		}
	}
	return l.Log.Append(batch)
}

func (l *fakeLog) Read(conv string, after, before uint64, limit int) ([]history.Message, bool, error) {
	if l.read != nil {
		l.read(conv)
	}
	if l.hasRead != nil {
		defer l.hasRead()
	}
	return l.Log.Read(conv, after, before, limit)
}

func (l *fakeLog) SaveClaim(c history.Claim) error {
	if l.save != nil {
		if err := l.save(c); err != nil {
			return err
		}
	}
	return l.Log.SaveClaim(c)
}
