package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"throng/deploy/config"
	"throng/room"
	"throng/room/event"
)

// behind is a proxy's word of where the client is.
func behind(addr string) http.Header { return http.Header{"X-Forwarded-For": {addr}} }

// trusting has a server believe a proxy on this machine.
func trusting(s *config.Serve) { s.TrustProxy = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }

// knock asks for a socket. Without an upgrade it returns the HTTP status.
func (r *running) knock(path string, isV2 bool, header http.Header) (*talker, int) {
	r.t.Helper()
	dialer := ws.Dialer{Header: ws.HandshakeHeaderHTTP(header)}
	if isV2 {
		dialer.Protocols = []string{event.V2}
	}
	conn, in, _, err := dialer.Dial(context.Background(), "ws://"+r.Addr().String()+path)
	if refused, ok := errors.AsType[ws.StatusError](err); ok {
		return nil, int(refused)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	if in == nil {
		in = bufio.NewReader(conn)
	}
	r.t.Cleanup(func() { conn.Close() })
	return &talker{r.t, conn, in}, http.StatusSwitchingProtocols
}

// enter brings somebody in, past the welcome.
func (r *running) enter(nick string) *talker {
	r.t.Helper()
	c := r.join(nick)
	c.say(`{"t":"hello","id":1}`)
	c.hear(`"t":"welcome"`)
	return c
}

// ends reads until the connection is closed, and returns the close frame and what came before.
func (c *talker) ends() (said string, closed wsutil.ClosedError) {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(time.Minute))
	for {
		text, _, err := wsutil.ReadServerData(struct {
			io.Reader
			io.Writer
		}{c.in, c.conn})
		if errors.As(err, &closed) {
			return said, closed
		}
		if err != nil {
			c.t.Fatal(err)
		}
		said += string(text) + "\n"
	}
}

func (r *running) moderate(act room.Act) {
	r.t.Helper()
	if _, err := r.hub.Moderate(context.Background(), act); err != nil {
		r.t.Fatal(err)
	}
}

// TestAbuseBannedNick has a banned nick come in again, in both dialects and spellings.
func TestAbuseBannedNick(t *testing.T) {
	r := start(t, nil)
	old, _ := r.knock(chatPath+"mallory", false, nil)
	r.moderate(room.Act{Kind: room.ActBan, Nick: "Mallory", Reason: "spam"})
	if said, closed := old.ends(); closed.Code != 4503 || !strings.Contains(said, "you are banned: spam") || !strings.Contains(said, `"system"`) {
		t.Errorf("sent away with %q, %v", said, closed)
	}
	for _, nick := range []string{"mallory", "MALLORY", "%EF%BC%ADallory"} {
		if _, status := r.knock(chatPath+nick, false, nil); status != http.StatusForbidden {
			t.Errorf("%s, tutorial: %d", nick, status)
		}
		c, status := r.knock(chatPath+nick, true, nil)
		if status != http.StatusSwitchingProtocols {
			t.Fatalf("%s, version 2: %d", nick, status)
		}
		if _, closed := c.ends(); closed.Code != 4503 || closed.Reason != "you are banned: spam" {
			t.Errorf("%s, version 2: %v", nick, closed)
		}
	}
	r.enter("alice")
}

// TestAbuseBannedAddress has a banned address come in again, behind a proxy, under any nick, to the chat and to the echo. Its
// neighbours, and who only says that it is there, are let in.
func TestAbuseBannedAddress(t *testing.T) {
	r := start(t, trusting)
	mallory, _ := r.knock(chatPath+"mallory", false, behind("203.0.113.7"))
	mallory6, _ := r.knock(chatPath+"mallory6", false, behind("2001:db8::7"))
	neighbour, _ := r.knock(chatPath+"neighbour", false, behind("203.0.113.8"))
	r.moderate(room.Act{Kind: room.ActBan, Addr: netip.MustParsePrefix("203.0.113.7/32")})
	r.moderate(room.Act{Kind: room.ActBan, Addr: netip.MustParsePrefix("2001:db8::/64"), Until: time.Now().Add(time.Hour)})
	for _, c := range []*talker{mallory, mallory6} {
		if _, closed := c.ends(); closed.Code != 4503 {
			t.Error(closed)
		}
	}
	for _, addr := range []string{"203.0.113.7", "198.51.100.1, 203.0.113.7", "2001:db8::ffff", "::ffff:203.0.113.7"} {
		for _, path := range []string{chatPath + "other", echoPath} {
			if _, status := r.knock(path, false, behind(addr)); status != http.StatusForbidden {
				t.Errorf("%s from %s: %d", path, addr, status)
			}
		}
		c, _ := r.knock(chatPath+"other", true, behind(addr))
		if _, closed := c.ends(); closed.Code != 4503 {
			t.Errorf("version 2 from %s: %v", addr, closed)
		}
	}
	if c, status := r.knock(chatPath+"other", false, behind("203.0.113.7, 203.0.113.9")); c == nil {
		t.Errorf("who says that the banned one speaks through it: %d", status)
	}
	neighbour.say(`{"message":"still here"}`)
	neighbour.hear("still here")
}

// TestAbuseMutedSpeaks has somebody muted speak in both dialects, by another session, and by repeating.
func TestAbuseMutedSpeaks(t *testing.T) {
	r := start(t, nil)
	alice, mallory := r.enter("alice"), r.enter("mallory")
	mallory.say(`{"id":2,"message":"before"}`)
	alice.hear("before")
	r.moderate(room.Act{Kind: room.ActMute, Nick: "mallory", Until: time.Now().Add(time.Hour), Reason: "spam"})
	for i, frame := range []string{
		`"message":"spam"`, `"cid":"c","message":"spam"`, `"to_user":"alice","message":"spam"`, `"t":"typing"`, `"t":"typing","to_user":"alice"`,
	} {
		mallory.say(fmt.Sprintf(`{"id":"m%d",%s}`, i, frame))
		if all := mallory.hear(fmt.Sprintf(`"id":"m%d"`, i)); !strings.Contains(all[len(all)-1], `"code":403`) {
			t.Errorf("%s: %s", frame, all[len(all)-1])
		}
	}
	r.moderate(room.Act{Kind: room.ActMute, Nick: "old"})
	old, _ := r.knock(chatPath+"OLD", false, nil)
	old.say(`{"message":"spam"}`)
	old.hear("you are muted")
	r.moderate(room.Act{Kind: room.ActReadOnly, Room: "all"})
	third, _ := r.knock(chatPath+"third", false, nil)
	third.say(`{"message":"spam"}`)
	third.hear("only moderators")
	third.say(`{"to_user":"alice","message":"end"}`)
	for _, object := range alice.hear(`"message":"end"`) {
		if strings.Contains(object, "spam") || strings.Contains(object, `"typing"`) {
			t.Errorf("alice hears %s", object)
		}
	}
}

// TestAbuseNoModerator has somebody without the right send what moderators send, more than the rate allows, and ask for the log of
// what they do.
func TestAbuseNoModerator(t *testing.T) {
	r := start(t, func(s *config.Serve) { s.Rate, s.Burst = 20, 40 })
	alice, mallory := r.enter("alice"), r.enter("mallory")
	r.moderate(room.Act{Kind: room.ActMute, Nick: "eve", Reason: "secret"})
	acts, _, _ := r.hub.Acts(0, 1)
	for i, frame := range []string{
		`"t":"kick","nick":"alice"`, `"t":"mute","nick":"alice"`, `"t":"ban","nick":"alice"`, `"t":"unmute","nick":"eve"`, `"t":"unban","nick":"eve"`,
		`"t":"readonly","room":"all","on":true`, `"t":"motd","text":"mine"`, `"t":"msg","room":"mod","message":1`,
		`"t":"history","conv":"room:mod"`, `"t":"history","conv":"room:../mod"`, `"t":"history","conv":"dm:mod"`, `"t":"join","room":"../mod"`,
		fmt.Sprintf(`"t":"delete","mid":%q`, acts[0].ID), fmt.Sprintf(`"t":"recv","conv":"room:mod","seq":%d`, acts[0].Seq),
	} {
		mallory.say(fmt.Sprintf(`{"id":"m%d",%s}`, i, frame))
		if all := mallory.hear(fmt.Sprintf(`"id":"m%d"`, i)); !strings.Contains(all[len(all)-1], `"t":"err"`) {
			t.Errorf("%s: %s", frame, all[len(all)-1])
		}
	}
	mallory.say(`{"t":"join","id":"j","room":"mod"}`) // a room like any other
	mallory.hear(`"id":"j"`)
	mallory.say(`{"t":"history","id":"h","conv":"room:mod"}`)
	if all := mallory.hear(`"id":"h"`); !strings.Contains(all[len(all)-1], `"msgs":[]`) {
		t.Errorf("the room mod has %s", all[len(all)-1])
	}
	mallory.say(strings.Repeat(`{"t":"kick","nick":"alice"}`+"\n", 200))
	if said, closed := mallory.ends(); closed.Code != 4029 || !strings.Contains(said, `"code":429`) {
		t.Errorf("a flood is closed with %v", closed)
	}
	alice.say(`{"t":"ping","id":9}`)
	alice.hear(`"id":9`)
	if rules := r.hub.Rules(); len(rules) != 1 {
		t.Errorf("in force: %v", rules)
	}
	if m := r.metrics(); m[`throng_room_acts_total{kind="mute"}`] != 1 || m[`throng_room_rules{kind="mute"}`] != 1 || m[`throng_room_acts_total{kind="kick"}`] != 0 {
		t.Errorf("counted: %v acts, %v rules", m[`throng_room_acts_total{kind="mute"}`], m[`throng_room_rules{kind="mute"}`])
	}
}

// TestAbuseOwnDeletes has somebody take back what they said, the same again and again and a lot of it, and then flood: readers hear of each
// once, the moderators' trail has none of it, and the flood ends as one of messages does.
func TestAbuseOwnDeletes(t *testing.T) {
	r := start(t, func(s *config.Serve) { s.Rate, s.Burst = 20, 100 })
	alice, mallory := r.enter("alice"), r.enter("mallory")
	r.moderate(room.Act{Kind: room.ActBan, Nick: "eve"})
	const each = 30
	for i := range 3 {
		mallory.say(fmt.Sprintf(`{"id":"m%d","message":"oops"}`, i))
		all := mallory.hear(fmt.Sprintf(`"id":"m%d"`, i))
		mid := between(all[len(all)-1], `"mid":"`, `"`)
		for j := range each {
			mallory.say(fmt.Sprintf(`{"t":"delete","id":"d%d-%d","mid":%q}`, i, j, mid))
		}
		if all := mallory.hear(fmt.Sprintf(`"id":"d%d-%d"`, i, each-1)); !strings.Contains(all[len(all)-1], `"t":"done"`) {
			t.Errorf("a repeated delete: %s", all[len(all)-1])
		}
	}
	mallory.say(`{"message":"end"}`)
	heard := strings.Join(alice.hear(`"end"`), "\n")
	if n := strings.Count(heard, `"t":"deleted"`); n != 3 {
		t.Errorf("alice hears %d deletes of three messages", n)
	}
	mallory.say(strings.Repeat(`{"t":"delete","mid":"00000000000000000000"}`+"\n", 250))
	if _, closed := mallory.ends(); closed.Code != 4029 {
		t.Errorf("a flood is closed with %v", closed)
	}
	if acts, _, err := r.hub.Acts(0, 0); err != nil || len(acts) != 1 || acts[0].Kind != room.ActBan {
		t.Errorf("trail: %v, %v", acts, err)
	}
}

// free is an address that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestNodesModerate has acts at one node strike at another, and be in force after a restart.
func TestNodesModerate(t *testing.T) {
	nats, folder := free(t), filepath.Join(t.TempDir(), "first")
	a := start(t, func(s *config.Serve) { s.Data, s.Nats, s.NatsListen = folder, "embedded", nats })
	b := start(t, func(s *config.Serve) { s.Nats = "nats://" + nats })
	eventually(t, "a node does not join", func() bool { return a.hub.Healthy() == nil && b.hub.Healthy() == nil })
	alice, bob, eve := a.enter("alice"), b.enter("bob"), b.enter("eve")
	alice.say(`{"id":2,"to_user":"bob","message":"spam"}`)
	bob.hear("spam")
	all := alice.hear(`"t":"ack"`)
	mid := between(all[len(all)-1], `"mid":"`, `"`)
	a.moderate(room.Act{Kind: room.ActDelete, Mid: mid})
	bob.hear(`"t":"deleted","conv":"dm:alice"`)
	alice.hear(`"t":"deleted","conv":"dm:bob"`)
	bob.say(`{"t":"history","id":3,"conv":"dm:alice"}`)
	if all := bob.hear(`"id":3`); !strings.Contains(all[len(all)-1], `"message":null,"deleted":true`) {
		t.Errorf("history at the other node: %s", all[len(all)-1])
	}
	alice.say(`{"id":5,"message":"oops"}`)
	bob.hear("oops")
	all = alice.hear(`"id":5`)
	alice.say(fmt.Sprintf(`{"t":"delete","id":6,"mid":%q}`, between(all[len(all)-1], `"mid":"`, `"`)))
	bob.hear(`"t":"deleted","conv":"room:all"`)
	bob.say(`{"t":"history","id":7,"conv":"room:all","limit":1}`)
	if all := bob.hear(`"id":7`); !strings.Contains(all[len(all)-1], `"message":null,"deleted":true`) {
		t.Errorf("history at the other node: %s", all[len(all)-1])
	}
	if acts, _, err := b.hub.Acts(0, 0); err != nil || len(acts) != 1 {
		t.Errorf("trail: %v, %v", acts, err)
	}
	a.moderate(room.Act{Kind: room.ActKick, Nick: "eve", Reason: "out"})
	if _, closed := eve.ends(); closed.Code != 4503 {
		t.Error(closed)
	}
	a.moderate(room.Act{Kind: room.ActMute, Nick: "bob"})
	eventually(t, "bob is not muted", func() bool { return len(b.hub.Rules()) == 1 })
	bob.say(`{"id":4,"message":"hi"}`)
	if all := bob.hear(`"id":4`); !strings.Contains(all[len(all)-1], `"code":403`) {
		t.Errorf("muted at the other node: %s", all[len(all)-1])
	}
	b.moderate(room.Act{Kind: room.ActBan, Nick: "alice"})
	if _, closed := alice.ends(); closed.Code != 4503 {
		t.Error(closed)
	}
	for _, r := range []*running{a, b} {
		if _, status := r.knock(chatPath+"alice", false, nil); status != http.StatusForbidden {
			t.Errorf("the banned come in: %d", status)
		}
	}
	c := start(t, func(s *config.Serve) { s.Nats = "nats://" + nats })
	eventually(t, "the third node does not join", func() bool { return c.hub.Healthy() == nil })
	if got, want := fmt.Sprint(c.hub.Rules()), fmt.Sprint(a.hub.Rules()); got != want || len(c.hub.Rules()) != 2 {
		t.Errorf("in force at a new node: %s, at another: %s", got, want)
	}
}

// between is what stands in a text between two others.
func between(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	found, _, _ := strings.Cut(rest, after)
	return found
}
