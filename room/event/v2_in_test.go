package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The decoder a second time, in the plainest form, on encoding/json.

// naive is one object with its members, and whether all was well so far.
type naive struct {
	members map[string]json.RawMessage
	isGood  bool
}

// has reports whether there is a value other than null.
func (n *naive) has(key string) bool {
	return n.members[key] != nil && string(n.members[key]) != "null"
}

func (n *naive) require(ok bool) { n.isGood = n.isGood && ok }

func (n *naive) text(key string, most int) (s string) {
	if n.has(key) {
		n.require(json.Unmarshal(n.members[key], &s) == nil && len(s) <= most && isWhole(n.members[key]))
	}
	return s
}

func (n *naive) integer(raw []byte) uint64 {
	var i big.Int
	ok := regexp.MustCompile(`^(0|[1-9][0-9]*)$`).Match(raw)
	_, _ = i.SetString(string(raw), 10)
	n.require(ok && i.IsInt64())
	return i.Uint64()
}

func (n *naive) conv() Conv {
	found := regexp.MustCompile(`(?s)^(room|dm):(.+)$`).FindStringSubmatch(n.text("conv", 1<<20))
	switch {
	case found == nil:
		n.require(false)
		return Conv{}
	case found[0] == "room:all":
		return Everyone()
	case found[1] == "room":
		return Room(found[2])
	}
	return Direct(found[2])
}

func (n *naive) limit() int {
	if !n.has("limit") {
		return 50
	}
	n.require(regexp.MustCompile(`^-?[0-9]+$`).Match(n.members["limit"]))
	i, _ := new(big.Int).SetString(string(n.members["limit"]), 10)
	switch {
	case i == nil || i.Sign() == 0:
		return 50
	case i.Sign() < 0:
		return 1
	case i.Cmp(big.NewInt(100)) > 0:
		return 100
	}
	return int(i.Int64())
}

func (n *naive) position(raw []byte) (p Position) {
	var pair []json.RawMessage
	if json.Unmarshal(raw, &pair) != nil || len(pair) != 2 || pair[0][0] != '"' {
		n.require(false)
		return p
	}
	n.require(json.Unmarshal(pair[0], &p.Epoch) == nil && p.Epoch != "" && len(p.Epoch) <= 64 && isWhole(pair[0]))
	p.Seq = n.integer(pair[1])
	return p
}

// decode is what one line says; false when it is malformed.
func (n *naive) decode() (in In, isGood bool) {
	id, kind := n.members["id"], n.members["t"]
	in.ID = id
	n.require(id == nil || len(id) <= 128 && (id[0] == '"' || id[0] == '-' || '0' <= id[0] && id[0] <= '9'))
	n.require(kind == nil || n.has("t"))
	name := n.text("t", 1<<20)
	if kind == nil {
		name = "msg"
	}
	for t := TypeMsg; t <= TypeMotd; t++ {
		if name == t.String() {
			in.T = t
		}
	}
	n.require(in.T != TypeUnknown)
	switch name {
	case "msg", "typing":
		in.To, in.Room = n.text("to_user", 1<<20), n.text("room", 1<<20)
		n.require(in.To == "" || in.Room == "")
	case "join", "leave":
		in.Room = n.text("room", 1<<20)
		n.require(in.Room != "")
	case "presence":
		in.Room, in.AfterNick, in.Limit = n.text("room", 1<<20), n.text("after", 1<<20), n.limit()
	case "history":
		in.Conv, in.Limit = n.conv(), n.limit()
		n.require(!n.has("before") || !n.has("after"))
		if n.has("before") {
			in.Before = n.integer(n.members["before"])
		}
		if in.HasAfter = n.has("after"); in.HasAfter {
			in.After = n.integer(n.members["after"])
		}
	case "recv", "read":
		in.Conv, in.Seq = n.conv(), n.integer(n.members["seq"])
	case "hello":
		in.Token, in.Resume = n.text("token", 8192), n.text("resume", 256)
	}
	n.moderate(&in)
	if raw := n.members["message"]; name == "msg" {
		in.Message = raw
		n.require(raw != nil)
		if n.members["cid"] != nil {
			in.Cid = n.text("cid", 64)
			n.require(in.Cid != "")
		}
	}
	if name == "join" && n.has("pos") {
		in.From = n.position(n.members["pos"])
	}
	if name == "hello" && n.has("pos") {
		var pos map[string]json.RawMessage
		n.require(json.Unmarshal(n.members["pos"], &pos) == nil && len(pos) <= 1000)
		in.Pos = map[string]Position{}
		for name, raw := range pos {
			in.Pos[name] = n.position(raw)
		}
	}
	return in, n.isGood
}

// moderate is decode for what moderators send.
func (n *naive) moderate(in *In) {
	switch in.T {
	case TypeKick, TypeMute, TypeUnmute, TypeBan, TypeUnban:
		in.Nick = n.text("nick", 1<<20)
		n.require(in.Nick != "")
	case TypeDelete:
		in.Mid = n.text("mid", 64)
		n.require((in.Mid != "") != n.has("conv"))
		if n.has("conv") {
			in.Conv, in.Seq = n.conv(), n.integer(n.members["seq"])
		}
	case TypeReadOnly:
		in.Room, in.On = n.text("room", 1<<20), string(n.members["on"]) == "true"
		n.require(in.Room != "" && (in.On || string(n.members["on"]) == "false"))
	case TypeMotd:
		n.require(len(n.members["text"]) <= 4096)
		if n.has("text") {
			in.Text = n.members["text"]
		}
		return
	default:
		return
	}
	if in.T == TypeMute || in.T == TypeUnmute {
		in.Room = n.text("room", 1<<20)
	}
	if (in.T == TypeMute || in.T == TypeBan) && n.has("for_ms") {
		ms := n.integer(n.members["for_ms"])
		n.require(ms <= 100*365*86400*1000)
		in.For = time.Duration(ms) * time.Millisecond
	}
	in.Reason = n.text("reason", 500)
}

// naiveLines is the objects of a frame.
func naiveLines(frame []byte) [][]byte {
	frame = bytes.Trim(frame, " \t\r\n")
	if json.Valid(frame) || len(frame) == 0 {
		return [][]byte{frame}
	}
	var lines [][]byte
	for _, line := range bytes.Split(frame, []byte("\n")) {
		if line = bytes.Trim(line, " \t\r\n"); len(line) > 0 {
			lines = append(lines, line)
		}
	}
	return lines
}

// checkEachV2 is what must hold of every frame.
func checkEachV2(t interface{ Fatalf(string, ...any) }, frame []byte) {
	type result struct {
		in  In
		bad *Error
	}
	kept := bytes.Clone(frame)
	var got []result
	EachV2(frame, func(in In, bad *Error) { got = append(got, result{in, bad}) })
	if !bytes.Equal(frame, kept) {
		t.Fatalf("%q was changed to %q", kept, frame)
	}
	lines := naiveLines(kept)
	if len(lines) > MaxBatch {
		lines = lines[:MaxBatch]
		if len(got) != MaxBatch+1 || got[MaxBatch].bad != errBatch {
			t.Fatalf("%q: too many objects came to %d visits", kept, len(got))
		}
		got = got[:MaxBatch]
	}
	if len(got) != len(lines) {
		t.Fatalf("%q: %d visits, want %d", kept, len(got), len(lines))
	}
	clear(frame) // as the loop does, sooner or later
	for i, line := range lines {
		n := naive{isGood: true}
		isObject := isStrict(line) && json.Unmarshal(line, &n.members) == nil && n.members != nil
		want, isGood := n.decode()
		if isGood = isGood && isObject; isGood != (got[i].bad == nil) {
			t.Fatalf("%q: error %v, but good is %v", line, got[i].bad, isGood)
		}
		if isGood && !reflect.DeepEqual(got[i].in, want) {
			t.Fatalf("%q became %+v, want %+v", line, got[i].in, want)
		}
		if bad := got[i]; !isGood && !reflect.DeepEqual(bad.in, In{T: bad.in.T, ID: bad.in.ID}) {
			t.Fatalf("%q: an error with more than T and ID: %+v", line, bad.in)
		}
		if bad := got[i]; isObject && !isGood && bad.in.T != want.T {
			t.Fatalf("%q: an error of type %v, want %v", line, bad.in.T, want.T)
		}
		if reply := AppendErr(nil, got[i].in.ID, Malformed("")); !json.Valid(reply) {
			t.Fatalf("%q is answered by %q", line, reply)
		}
	}
}

func FuzzEachV2(f *testing.F) {
	for _, row := range readV2Golden(f).In {
		f.Add([]byte(row.Frame))
	}
	for _, row := range readGolden(f) {
		f.Add([]byte(row.Frame))
	}
	f.Add([]byte("{\"message\":\"\xff\"}\n{\"t\":\"ping\"}"))
	f.Fuzz(func(t *testing.T, frame []byte) { checkEachV2(t, frame) })
}

// Objects whose keys and values are those of the protocol, mixed at random, and some text between.
func TestEachV2OfPieces(t *testing.T) {
	key := rapid.SampledFrom([]string{
		"t", "id", "to_user", "room", "message", "cid", "token", "resume", "pos", "conv", "seq", "before", "after", "limit", "x", `\u0074`,
		"nick", "mid", "reason", "for_ms", "on", "text",
	})
	value := rapid.SampledFrom([]string{
		`"msg"`, `"hello"`, `"join"`, `"history"`, `"presence"`, `"typing"`, `"recv"`, `"read"`, `"ping"`, `"leave"`, `"r\u0065ad"`,
		`"kick"`, `"mute"`, `"unmute"`, `"ban"`, `"unban"`, `"delete"`, `"readonly"`, `"motd"`, `false`, `60000`, `3153600000001`,
		`null`, `""`, `0`, `7`, `-1`, `-0`, `1e3`, `1.0`, `9223372036854775807`, `9223372036854775808`, `99999999999999999999`, `"bob"`, `"room:all"`,
		`"room:go"`, `"dm:b\nob"`, `"dm:"`, `["e",17]`, `["e",17 , 1]`, `["",1]`, `["\ud83e",1]`, `{"room:all":["e",1],"dm:bob":["f",2]}`, `{"a":null}`, `{}`, `[]`,
		`true`, `{"a":1,"a":2}`, `"` + strings.Repeat("x", 65) + `"`, `"` + strings.Repeat("x", 257) + `"`, "[\n1\n]", `"\ud83e"`, `{"\ud83e":["e",1]}`, `"`, `}`,
	})
	between := rapid.SampledFrom([]string{"\n", "\r\n", "\n\n", " ", "", ",", "\n7\n", "\xff\n"})
	rapid.Check(t, func(t *rapid.T) {
		var frame []byte
		for range rapid.IntRange(0, 4).Draw(t, "objects") {
			frame = append(frame, '{')
			for i := range rapid.IntRange(0, 5).Draw(t, "members") {
				if i > 0 {
					frame = append(frame, ',')
				}
				frame = fmt.Appendf(frame, `"%s":%s`, key.Draw(t, "key"), value.Draw(t, "value"))
			}
			frame = append(append(frame, '}'), between.Draw(t, "between")...)
		}
		checkEachV2(t, frame)
	})
}

// Good objects, so that what is accepted is met as often as what is not.
func TestEachV2OfGoodObjects(t *testing.T) {
	text := rapid.StringN(1, 16, 64)
	seq := rapid.Uint64Max(1<<63 - 1)
	rapid.Check(t, func(t *rapid.T) {
		var frame []byte
		for range rapid.IntRange(1, 3).Draw(t, "objects") {
			object := map[string]any{"t": TypeMsg + Type(rapid.IntRange(0, int(TypePing-TypeMsg)).Draw(t, "t"))}
			object["t"] = fmt.Sprint(object["t"])
			object["id"] = rapid.OneOf(rapid.Just[any](7), rapid.Map(text, func(s string) any { return s[:1] })).Draw(t, "id")
			object[rapid.SampledFrom([]string{"to_user", "room"}).Draw(t, "to")] = text.Draw(t, "name")
			object["message"], object["cid"] = text.Draw(t, "message"), text.Draw(t, "cid")
			object["conv"] = rapid.SampledFrom([]string{"room:", "dm:"}).Draw(t, "kind") + text.Draw(t, "conv")
			object["seq"], object["limit"] = seq.Draw(t, "seq"), rapid.IntRange(-10, 200).Draw(t, "limit")
			object["pos"] = map[string]any{text.Draw(t, "conv"): []any{text.Draw(t, "epoch"), seq.Draw(t, "at")}}
			line, err := json.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			frame = append(append(frame, line...), '\n')
		}
		checkEachV2(t, frame)
	})
}

// A frame of many lines that each begin a large object costs what it is long, and no more visits than allowed.
func TestEachV2IsBounded(t *testing.T) {
	visits := 0
	EachV2([]byte(strings.Repeat("{\"a\":[{},\n", 10_000)), func(_ In, err *Error) {
		if visits++; err == nil {
			t.Fatal("accepted")
		}
	})
	if visits != MaxBatch+1 {
		t.Fatalf("%d visits, want %d", visits, MaxBatch+1)
	}
}

// As many positions as allowed, and one more; so with the bytes of a token.
func TestEachV2Limits(t *testing.T) {
	hello := func(positions, token int) (in In, bad *Error) {
		var pos []string
		for i := range positions {
			pos = append(pos, fmt.Sprintf(`"room:%d":["e",%d]`, i, i))
		}
		frame := fmt.Sprintf(`{"t":"hello","id":1,"token":"%s","pos":{%s}}`, strings.Repeat("x", token), strings.Join(pos, ","))
		EachV2([]byte(frame), func(i In, b *Error) { in, bad = i, b })
		return in, bad
	}
	if in, bad := hello(MaxPositions, MaxToken); bad != nil || len(in.Pos) != MaxPositions || len(in.Token) != MaxToken {
		t.Errorf("all that is allowed: %v, %d positions", bad, len(in.Pos))
	}
	if in, bad := hello(MaxPositions+1, 1); bad != errPositions || in.T != TypeHello || string(in.ID) != "1" {
		t.Errorf("a position too many: %v, %+v", bad, in)
	}
	if _, bad := hello(1, MaxToken+1); bad != errToken {
		t.Errorf("a byte too many: %v", bad)
	}
}

func BenchmarkDecode(b *testing.B) {
	text := strings.Repeat("hello wor ", 13)
	tutorial := []byte(`{"from_user":"alice","to_user":"bob","message":"` + text + `12345678901"}`)
	v2 := []byte(`{"t":"msg","id":17,"cid":"5c7a8e02-77","to_user":"bob","message":"` + text + `"}`)
	b.Run("tutorial", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(tutorial)))
		for b.Loop() {
			if _, err := DecodeTutorial(tutorial); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("v2", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(v2)))
		for b.Loop() {
			EachV2(v2, func(_ In, err *Error) {
				if err != nil {
					b.Fatal(err)
				}
			})
		}
	})
}
