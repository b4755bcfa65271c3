package room

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"throng/room/event"
)

// naiveRules is what is in force, as a list of acts that is searched from its end.
type naiveRules []Act

// isIn is that an act is in force at a time: it is not over, and no later one is of the same thing.
func (n naiveRules) isIn(i int, now time.Time) bool {
	a := n[i]
	lifts := map[ActKind]ActKind{ActMute: ActUnmute, ActBan: ActUnban, ActReadOnly: ActWritable, ActMotd: ActMotd}[a.Kind]
	if lifts == "" || !a.Until.IsZero() && !now.Before(a.Until) || a.Kind == ActMotd && a.Text == nil {
		return false
	}
	for _, b := range n[i+1:] {
		isSame := strings.EqualFold(a.Nick, b.Nick) && a.Addr == b.Addr && strings.EqualFold(a.Room, b.Room)
		isAllRooms := b.Kind == ActUnmute && a.Kind == ActMute && b.Room == "" && strings.EqualFold(a.Nick, b.Nick)
		if (b.Kind == a.Kind || b.Kind == lifts) && isSame || isAllRooms {
			return false
		}
	}
	return true
}

func (n naiveRules) list(now time.Time) []Rule {
	all := []Rule{}
	for i := range n {
		if n.isIn(i, now) {
			all = append(all, n[i])
		}
	}
	return all
}

// has is that some act in force fits.
func (n naiveRules) has(now time.Time, fits func(Act) bool) bool {
	return slices.ContainsFunc(n.list(now), fits)
}

func TestRulesAgainstList(t *testing.T) {
	kinds := rapid.SampledFrom([]ActKind{ActKick, ActMute, ActMute, ActUnmute, ActBan, ActBan, ActUnban, ActReadOnly, ActWritable, ActMotd, ActDelete})
	nicks, rooms := rapid.SampledFrom([]string{"a", "A", "b"}), rapid.SampledFrom([]string{"", "all", "go", "Go"})
	nets := rapid.SampledFrom([]string{"192.0.2.0/24", "192.0.2.7/32", "192.0.0.0/16", "2001:db8::/64", "2001:db8::7/128"})
	addrs := rapid.SampledFrom([]string{"192.0.2.7", "192.0.2.8", "192.0.9.9", "2001:db8::7", "2001:db8:1::7", "::ffff:192.0.2.7"})
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_000_000, 0)
		var naive naiveRules
		folded := newRules() // from a digest of some time, and what came after it
		live := newRules()
		for i := range rapid.IntRange(0, 30).Draw(t, "acts") {
			act := Act{Kind: kinds.Draw(t, "kind"), ID: fmt.Sprintf("%020d", i)}
			switch act.Kind {
			case ActMute, ActUnmute:
				act.Nick, act.Room = nicks.Draw(t, "nick"), rooms.Draw(t, "room")
			case ActBan, ActUnban:
				if act.Nick = nicks.Draw(t, "nick"); rapid.Bool().Draw(t, "by address") {
					act.Nick, act.Addr = "", netip.MustParsePrefix(nets.Draw(t, "net"))
				}
			case ActReadOnly, ActWritable:
				act.Room = rapid.SampledFrom([]string{"all", "go", "Go"}).Draw(t, "room")
			case ActMotd:
				act.Text = rapid.SampledFrom([][]byte{nil, []byte(`"hi"`)}).Draw(t, "text")
			}
			if (act.Kind == ActMute || act.Kind == ActBan) && rapid.Bool().Draw(t, "ends") {
				act.Until = now.Add(time.Duration(rapid.IntRange(1, 10).Draw(t, "seconds")) * time.Second)
			}
			naive = append(naive, act)
			live = live.with(act, now)
			folded.fold(act)
			if rapid.IntRange(0, 9).Draw(t, "digest") == 0 {
				digest := live.list(now)
				folded = newRules()
				for _, act := range digest {
					folded.fold(act)
				}
			}
			now = now.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "passed")) * time.Second)
		}
		folded.tidy(now)
		want := naive.list(now)
		if got, again := live.list(now), folded.list(now); !reflect.DeepEqual(got, want) || !reflect.DeepEqual(again, want) {
			t.Fatalf("in force %v, read again %v; want %v", got, again, want)
		}
		for _, nick := range []string{"a", "b", "c"} {
			for _, room := range []string{"", "all", "go"} {
				isSilent := naive.has(now, func(a Act) bool {
					return a.Kind == ActMute && strings.EqualFold(a.Nick, nick) && (a.Room == "" || strings.EqualFold(a.Room, room)) ||
						a.Kind == ActReadOnly && strings.EqualFold(a.Room, room)
				})
				if got := live.silence(nick, room, false, now) != nil; got != isSilent {
					t.Fatalf("%s in %q is silent: %v", nick, room, got)
				}
			}
			addr := netip.MustParseAddr(addrs.Draw(t, "addr"))
			isOut := naive.has(now, func(a Act) bool {
				return a.Kind == ActBan && (strings.EqualFold(a.Nick, nick) || a.Nick == "" && a.Addr.Contains(addr.Unmap()))
			})
			if got := live.refusal(nick, addr, now) != nil; got != isOut {
				t.Fatalf("%s at %v is kept out: %v", nick, addr, got)
			}
		}
	})
}

func TestActsThatMakeNoSense(t *testing.T) {
	now := time.Unix(1000, 0)
	net := netip.MustParsePrefix("192.0.2.0/24")
	for name, act := range map[string]Act{
		"no kind":                  {Nick: "a"},
		"another kind":             {Kind: "bite", Nick: "a"},
		"kick of nobody":           {Kind: ActKick},
		"kick for a time":          {Kind: ActKick, Nick: "a", Until: now.Add(1)},
		"kick from a room":         {Kind: ActKick, Nick: "a", Room: "go"},
		"mute of an address":       {Kind: ActMute, Addr: net},
		"mute that is over":        {Kind: ActMute, Nick: "a", Until: now},
		"mute in no room":          {Kind: ActMute, Nick: "a", Room: "a/b"},
		"ban of nobody":            {Kind: ActBan},
		"ban of two":               {Kind: ActBan, Nick: "a", Addr: net},
		"ban of everybody":         {Kind: ActBan, Addr: netip.MustParsePrefix("0.0.0.0/0")},
		"ban of every IPv4 mapped": {Kind: ActBan, Addr: netip.MustParsePrefix("::ffff:0:0/95")},
		"ban of the server":        {Kind: ActBan, Nick: "system"},
		"readonly of nothing":      {Kind: ActReadOnly},
		"delete of nothing":        {Kind: ActDelete},
		"delete with a long id":    {Kind: ActDelete, Mid: strings.Repeat("x", maxMid+1)},
		"motd that is no JSON":     {Kind: ActMotd, Text: []byte("hi")},
		"motd too long":            {Kind: ActMotd, Text: []byte(`"` + strings.Repeat("x", maxMotd) + `"`)},
		"motd not UTF-8":           {Kind: ActMotd, Text: []byte("\"\xff\"")},
		"reason too long":          {Kind: ActKick, Nick: "a", Reason: strings.Repeat("x", maxReason+1)},
		"reason not UTF-8":         {Kind: ActKick, Nick: "a", Reason: "\xff"},
	} {
		if _, bad := checkAct(act, now); bad == nil || bad.Code != 400 {
			t.Errorf("%s: %v", name, bad)
		}
	}
	e, bad := checkAct(Act{Kind: ActMotd, Text: []byte(" {\n\"a\": 1 } ")}, now)
	if bad != nil || string(e.Text) != `{"a":1}` {
		t.Errorf("motd becomes %s, %v", e.Text, bad)
	}
	if e, _ = checkAct(Act{Kind: ActBan, Nick: "a", ID: "x", Seq: 7, At: now}, now); e.ID != "" || e.Seq != 0 || !e.At.IsZero() {
		t.Errorf("the caller chose %+v", e)
	}
}

func TestShorten(t *testing.T) {
	for text, want := range map[string]string{"": "", "abc": "abc", "abcdefgh": "ab…", "ab你好吗": "ab…", "你好吗": "…"} {
		if got := shorten(text, 5); got != want {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

// Clients must not be able to say what stands for an erased message.
func TestNobodySaysErased(t *testing.T) {
	event.EachV2([]byte(`{"message": null }`), func(in event.In, bad *event.Error) {
		if bad != nil || string(in.Message) != "null" {
			t.Errorf("%q, %v", in.Message, bad)
		}
	})
	if in, bad := event.DecodeTutorial([]byte(`{"message": null }`)); bad != nil || string(in.Message) != "null" {
		t.Errorf("%q, %v", in.Message, bad)
	}
}
