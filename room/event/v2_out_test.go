package event

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// read reads one object again, by other means.
func read(t *rapid.T, text []byte) (object map[string]any) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&object); err != nil || !isStrict(text) || bytes.ContainsAny(text, "\r\n") {
		t.Fatalf("not one line of strict JSON: %q (%v)", text, err)
	}
	return object
}

// mended is what becomes of any text: bytes that are not UTF-8 are U+FFFD, one for each.
func mended(s string) string { return string([]rune(s)) }

// anyText is a string of any bytes.
var anyText = rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))

// anyConv is a conversation of any kind, the zero one excepted.
var anyConv = rapid.Custom(func(t *rapid.T) Conv {
	switch rapid.IntRange(0, 2).Draw(t, "kind") {
	case 0:
		return Everyone()
	case 1:
		return Room(anyText.Draw(t, "room"))
	default:
		return Direct(anyText.Draw(t, "nick"))
	}
})

// anyMessage is a JSON value, with line breaks where JSON may have them.
var anyMessage = rapid.Custom(func(t *rapid.T) []byte {
	value := AppendString(nil, anyText.Draw(t, "text"))
	if rapid.Bool().Draw(t, "isObject") {
		value = append(append([]byte("{\n\t\"a\" :\r\n"), value...), "\n}"...)
	}
	return value
})

// put adds a member to what is expected, if it applies.
func put(object map[string]any, key, value string, applies bool) {
	if applies {
		object[key] = mended(value)
	}
}

func TestAppendMsgParsesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Msg{
			From: anyText.Draw(t, "from"), To: anyText.Draw(t, "to"), Conv: anyConv.Draw(t, "conv"), Message: anyMessage.Draw(t, "message"),
			Mid: anyText.Draw(t, "mid"), Seq: rapid.Uint64().Draw(t, "seq"), Prev: rapid.Uint64().Draw(t, "prev"),
			Epoch: anyText.Draw(t, "epoch"), Ts: rapid.Int64().Draw(t, "ts"), Cid: anyText.Draw(t, "cid"),
		}
		text := AppendMsg([]byte("before"), &m)[len("before"):]
		want := map[string]any{
			"t": "msg", "from_user": mended(m.From), "mid": mended(m.Mid), "epoch": mended(m.Epoch), "conv": mended(m.Conv.String()),
			"seq": number(m.Seq), "prev": number(m.Prev), "ts": number(m.Ts), "message": nil,
		}
		put(want, "to_user", m.To, m.To != "")
		put(want, "room", m.Conv.Name, m.Conv.Kind == ConvRoom)
		put(want, "cid", m.Cid, m.Cid != "")
		got := read(t, text)
		want["message"] = read(t, []byte(`{"a":`+strings.Map(toSpace, string(m.Message))+`}`))["a"]
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s\nreads %v\nwant  %v", text, got, want)
		}
		shared := AppendShared(nil, &m)
		if variant := AppendVariant([]byte("before"), shared, m.Conv, m.Cid); string(variant) != "before"+string(text) {
			t.Fatalf("the variant is %s\nthe whole is   %s", variant, text)
		}
	})
}

// toSpace is what becomes of a line break.
func toSpace(r rune) rune {
	if r == '\n' || r == '\r' {
		return ' '
	}
	return r
}

func number[N uint64 | int64 | int](n N) json.Number {
	text, _ := json.Marshal(n)
	return json.Number(text)
}

func list(texts []string) []any {
	all := []any{}
	for _, s := range texts {
		all = append(all, mended(s))
	}
	return all
}

// Whatever is put into the other objects can be read again, too.
func TestAppendOthersParseBack(t *testing.T) {
	texts := rapid.SliceOfN(anyText, 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.SampledFrom([]string{"", `7`, `"a\n\ud83e"`}).Draw(t, "id")
		conv, name := anyConv.Draw(t, "conv"), anyText.Draw(t, "name")
		seq, n := rapid.Uint64().Draw(t, "seq"), rapid.Int().Draw(t, "n")
		some, others := texts.Draw(t, "some"), texts.Draw(t, "others")
		var rawID []byte
		reply := func(kind string) map[string]any { // what all replies have
			want := map[string]any{"t": kind}
			if id != "" {
				rawID = []byte(id)
				want["id"] = read(t, []byte(`{"a":`+id+`}`))["a"]
			}
			return want
		}
		check := func(text []byte, want map[string]any) {
			if got := read(t, text); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s\nreads %v\nwant  %v", text, got, want)
			}
		}
		where := mended(conv.String())

		want := reply("presence")
		want["count"], want["users"] = number(n), list(some)
		want["room"] = mended(name)
		check(AppendPresence(nil, rawID, name, n, some), want)

		want = map[string]any{"t": "presence", "conv": where, "count": number(n), "joined": list(some), "left": list(others)}
		put(want, "room", conv.Name, conv.Kind == ConvRoom)
		check(AppendPresenceChange(nil, conv, n, some, others), want)

		want = map[string]any{"t": "typing", "conv": where, "from_user": mended(name)}
		put(want, "to_user", name, name != "")
		put(want, "room", conv.Name, conv.Kind == ConvRoom)
		check(AppendTyping(nil, conv, name, name), want)

		want = map[string]any{"t": "recv", "conv": where, "from_user": mended(name), "seq": number(seq)}
		check(AppendRecv(nil, conv, name, seq), want)
		want["t"] = "read"
		check(AppendRead(nil, conv, name, seq), want)
		check(AppendGap(nil, conv, seq, seq+1), map[string]any{"t": "gap", "conv": where, "from": number(seq), "to": number(seq + 1)})

		want = reply("ack")
		want["mid"], want["conv"], want["dur"] = mended(name), where, mended(name)
		want["seq"], want["ts"] = number(seq), number(n)
		put(want, "cid", name, name != "")
		if conv.Kind == ConvDirect {
			want["online"] = true
		}
		check(AppendAck(nil, &Ack{rawID, name, name, conv, seq, int64(n), name, true}), want)

		want = reply("joined")
		want["room"], want["conv"], want["members"] = mended(name), mended("room:"+name), number(n)
		want["epoch"], want["seq"], want["recovered"] = mended(name), number(seq), true
		check(AppendJoined(nil, &Joined{rawID, name, n, name, seq, true}), want)

		want = reply("err")
		want["code"], want["message"], want["retry"] = number(n), mended(name), false
		check(AppendErr(nil, rawID, &Error{Code: n, Message: name}), want)
	})
}

func TestAppendWelcomeParsesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := Welcome{
			Nick: anyText.Draw(t, "nick"), Session: anyText.Draw(t, "session"), Resume: anyText.Draw(t, "resume"), Epoch: anyText.Draw(t, "epoch"),
			Online: rapid.Int().Draw(t, "online"), Ping: time.Duration(rapid.Int64().Draw(t, "ping")),
			Limits:    Limits{Rate: rapid.SampledFrom([]float64{0, 0.5, 1e300, math.NaN(), math.Inf(-1)}).Draw(t, "rate")},
			Recovered: rapid.MapOfN(rapid.String(), rapid.Bool(), 0, 4).Draw(t, "recovered"),
		}
		got := read(t, AppendWelcome(nil, &w))
		recovered := map[string]any{}
		for name, ok := range w.Recovered {
			recovered[name] = ok
		}
		if !maps.Equal(got["recovered"].(map[string]any), recovered) || got["nick"] != mended(w.Nick) || got["epoch"] != mended(w.Epoch) {
			t.Fatalf("%+v reads %v", w, got)
		}
		if again := AppendWelcome(nil, &w); string(again) != string(AppendWelcome(nil, &w)) {
			t.Fatalf("not the same each time: %s", again)
		}
	})
}

// A wait is never cut short.
func TestRetryAfter(t *testing.T) {
	for _, row := range []struct {
		wait time.Duration
		want string
	}{
		{-time.Second, "0"}, {0, "0"}, {1, "1"}, {time.Millisecond, "1"}, {time.Millisecond + 1, "2"}, {math.MaxInt64, "9223372036855"},
	} {
		if got := string(appendRetryAfter(nil, row.wait)); got != `,"retry_after_ms":`+row.want {
			t.Errorf("%d: %s, want %s", row.wait, got, row.want)
		}
	}
}

func BenchmarkAppendMsg(b *testing.B) {
	m := Msg{
		From: "alice", To: "bob", Conv: Direct("alice"), Message: []byte(`"` + strings.Repeat("hello wor ", 13) + `"`),
		Mid: "f81d4fae-42", Seq: 123456, Prev: 123450, Epoch: "f81d4fae", Ts: 1732000000000,
	}
	b.Run("whole", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			AppendMsg(nil, &m)
		}
	})
	b.Run("variant", func(b *testing.B) {
		shared := AppendShared(nil, &m)
		b.ReportAllocs()
		for b.Loop() {
			AppendVariant(nil, shared, Direct("bob"), "5c7a8e02-77")
		}
	})
}
