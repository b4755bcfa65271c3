package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"testing"
	"time"
)

// v2Golden is testdata/v2.json; doc.go says what stands there.
type v2Golden struct {
	Out []struct {
		Name, Write, Text string
		Of                outArgs
	}
	In []struct {
		Name, Frame string
		Got         []any
	}
}

// outArgs is what the append functions are given, those of all in one.
type outArgs struct {
	ID, Message                         json.RawMessage
	Nick, Session, Resume, Epoch, Conv  string
	Mid, Cid, Dur, From, To, Text, Room string
	Seq, Prev, First, Last              uint64
	Online, Members, Count, Burst, Code int
	MaxMessage, MaxRooms                int
	Ts, PingMs, AfterMs, Expires        int64
	Rate                                float64
	IsOnline, IsRecovered, More, Retry  bool
	Recovered                           map[string]bool
	Users, Joined, Left                 []string
	Msgs                                []outArgs
	Motd                                json.RawMessage
	IsModerator, IsGone                 bool
}

func (a outArgs) conv(t testing.TB) Conv {
	t.Helper()
	conv, err := ParseConv(a.Conv)
	if err != nil {
		t.Fatalf("%q: %v", a.Conv, err)
	}
	return conv
}

func (a outArgs) msg(t testing.TB) Msg {
	return Msg{a.From, a.To, a.conv(t), a.Message, a.Mid, a.Seq, a.Prev, a.Epoch, a.Ts, a.Cid, a.IsGone}
}

// write appends what the row names.
func (a outArgs) write(t testing.TB, what string) []byte {
	after := time.Duration(a.AfterMs) * time.Millisecond
	switch what {
	case "welcome":
		limits := Limits{a.MaxMessage, a.MaxRooms, a.Rate, a.Burst}
		ping := time.Duration(a.PingMs) * time.Millisecond
		return AppendWelcome(nil, &Welcome{a.ID, a.Nick, a.Session, a.Resume, a.Epoch, a.Online, ping, limits, a.Recovered, a.IsModerator, a.Motd, a.Expires})
	case "ack":
		return AppendAck(nil, &Ack{a.ID, a.Cid, a.Mid, a.conv(t), a.Seq, a.Ts, a.Dur, a.IsOnline})
	case "msg":
		msg := a.msg(t)
		return AppendMsg(nil, &msg)
	case "joined":
		return AppendJoined(nil, &Joined{a.ID, a.conv(t).Name, a.Members, a.Epoch, a.Seq, a.IsRecovered})
	case "left":
		return AppendLeft(nil, a.ID, a.conv(t).Name)
	case "history":
		h := History{ID: a.ID, Conv: a.conv(t), More: a.More}
		for _, m := range a.Msgs {
			h.Msgs = append(h.Msgs, m.msg(t))
		}
		return AppendHistory(nil, &h)
	case "presence":
		return AppendPresence(nil, a.ID, a.Room, a.Count, a.Users)
	case "presence change":
		return AppendPresenceChange(nil, a.conv(t), a.Count, a.Joined, a.Left)
	case "typing":
		return AppendTyping(nil, a.conv(t), a.From, a.To)
	case "recv":
		return AppendRecv(nil, a.conv(t), a.From, a.Seq)
	case "read":
		return AppendRead(nil, a.conv(t), a.From, a.Seq)
	case "gap":
		return AppendGap(nil, a.conv(t), a.First, a.Last)
	case "bye":
		return AppendBye(nil, uint16(a.Code), after)
	case "done":
		return AppendDone(nil, a.ID)
	case "deleted":
		return AppendDeleted(nil, a.conv(t), a.Seq, a.Mid)
	case "motd":
		return AppendMotd(nil, a.Motd)
	case "err":
		return AppendErr(nil, a.ID, &Error{a.Code, a.Text, a.Retry, after})
	case "pong":
		return AppendPong(nil, a.ID, a.Ts)
	}
	t.Fatalf("nothing writes %q", what)
	return nil
}

func readV2Golden(t testing.TB) (g v2Golden) {
	t.Helper()
	file, err := os.ReadFile("testdata/v2.json")
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(file))
	d.DisallowUnknownFields()
	d.UseNumber()
	if err := d.Decode(&g); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestV2GoldenOut(t *testing.T) {
	for _, row := range readV2Golden(t).Out {
		t.Run(row.Name, func(t *testing.T) {
			if text := row.Of.write(t, row.Write); string(text) != row.Text {
				t.Errorf("wrote %s\nwant  %s", text, row.Text)
			} else if !isStrict(text) || bytes.ContainsAny(text, "\r\n") {
				t.Errorf("not one line of JSON: %q", text)
			}
		})
	}
}

func TestV2GoldenIn(t *testing.T) {
	for _, row := range readV2Golden(t).In {
		t.Run(row.Name, func(t *testing.T) {
			got := []any{}
			EachV2([]byte(row.Frame), func(in In, err *Error) { got = append(got, describe(in, err)) })
			if !reflect.DeepEqual(got, row.Got) {
				t.Errorf("got %v\nwant %v", got, row.Got)
			}
		})
	}
}

// describe is what was decoded, as the golden file says it: the fields that are not zero.
func describe(in In, err *Error) map[string]any {
	row := map[string]any{"t": in.T.String()}
	put := func(key string, value any, isZero bool) {
		if !isZero {
			row[key] = value
		}
	}
	number := func(n uint64) json.Number { return json.Number(fmt.Sprint(n)) }
	position := func(p Position) any { return []any{p.Epoch, number(p.Seq)} }
	put("id", string(in.ID), in.ID == nil)
	if err != nil {
		row["code"], row["error"] = number(uint64(err.Code)), err.Message
		in = In{}
	}
	put("to_user", in.To, in.To == "")
	put("room", in.Room, in.Room == "")
	put("message", string(in.Message), in.Message == nil)
	put("cid", in.Cid, in.Cid == "")
	put("token", in.Token, in.Token == "")
	put("resume", in.Resume, in.Resume == "")
	put("from", position(in.From), in.From == Position{})
	put("conv", in.Conv.String(), in.Conv == Conv{})
	put("seq", number(in.Seq), in.Seq == 0)
	put("before", number(in.Before), in.Before == 0)
	put("after", number(in.After), !in.HasAfter)
	put("after_nick", in.AfterNick, in.AfterNick == "")
	put("limit", number(uint64(in.Limit)), in.Limit == 0)
	put("nick", in.Nick, in.Nick == "")
	put("mid", in.Mid, in.Mid == "")
	put("reason", in.Reason, in.Reason == "")
	put("for_ms", number(uint64(in.For.Milliseconds())), in.For == 0)
	put("on", in.On, !in.On)
	put("text", string(in.Text), in.Text == nil)
	if in.Pos != nil {
		pos := map[string]any{}
		for name, p := range in.Pos {
			pos[name] = position(p)
		}
		row["pos"] = pos
	}
	return row
}
