package ledger

import (
	"slices"
	"strings"
	"testing"
)

// found lists sender and number of all that Find finds; ? where the text is no stamp.
func found(frame string) (list []string) {
	for text, from, rest, ok := Find([]byte(frame)); ok; text, from, rest, ok = Find(rest) {
		word := "?"
		if s, err := Parse(text); err == nil {
			word = string(rune('0' + s.Number))
		}
		list = append(list, string(from)+":"+word)
	}
	return list
}

func TestFind(t *testing.T) {
	stamped := func(number uint32) string { return string(Stamp{Number: number}.Append(nil, 80)) }
	one, two := stamped(1), stamped(2)
	for _, c := range []struct {
		what, frame string
		want        []string
	}{
		{"nothing", "", nil},
		{"no stamp", `{"from_user":"ann","to_user":"","message":"hello"}`, nil},
		{"tutorial", `{"from_user":"ann","to_user":"","message":"` + one + `"}`, []string{"ann:1"}},
		{"v2", `{"t":"msg","from_user":"ann","room":"all","message":"` + one + `","seq":7,"ts":8}`, []string{"ann:1"}},
		{"message first", `{"message":"` + one + `","from_user":"ann"}`, []string{"ann:1"}},
		{"spaces", `{ "from_user" : "ann", "message" : "` + one + `" }`, []string{"ann:1"}},
		{"a batch", `{"t":"typing","from_user":"eve"}` + "\n" + `{"from_user":"ann","message":"` + one + `"}` + "\n" +
			`{"message":"` + two + `","from_user":"bob"}`, []string{"ann:1", "bob:2"}},
		{"the name stays in its object", `{"from_user":"eve"}` + "\n" + `{"message":"` + one + `"}` + "\n" +
			`{"from_user":"bob","message":"` + two + `"}`, []string{":1", "bob:2"}},
		{"a list in one object", `{"t":"history","msgs":[{"from_user":"ann","message":"` + one + `"},{"from_user":"bob","message":"` +
			two + `"}]}`, []string{"ann:1", "bob:2"}},
		{"cut off", `{"from_user":"ann","message":"` + one[:70], []string{"ann:?"}},
		{"text alone", one, []string{":1"}},
		{"more in the string", `{"from_user":"ann","message":"` + one + `!"}`, []string{"ann:?"}},
		{"a name that is no string", `{"from_user":7,"message":"` + one + `"}`, []string{":1"}},
		{"a name without end", `"from_user":"` + one, []string{":1"}},
		{"a key without value", `"from_user"` + one, []string{":1"}},
	} {
		if got := found(c.frame); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}

func FuzzFind(f *testing.F) {
	one := string(Stamp{Run: 1, Number: 1, At: 5}.Append(nil, 80))
	for _, seed := range []string{
		"", mark, one, `{"from_user":"lt00000001-1","message":"` + one + `"}`,
		`{"message":"` + one + `","from_user":"a"}` + "\n" + `{"from_user":"b","message":"` + one + `"}`,
		`"from_user"` + "\n" + mark + `"from_user" : "` + mark,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		texts := 0
		for text, from, rest, ok := Find(frame); ok; text, from, rest, ok = Find(rest) {
			texts++
			if !strings.HasPrefix(string(text), mark) || strings.ContainsRune(string(text), '"') {
				t.Fatalf("text %q", text)
			}
			if s, err := Parse(text); err == nil && string(s.Append(nil, len(text))) != string(text) {
				t.Fatalf("%q is read as %+v", text, s)
			}
			if run, user, ok := ParseNick(from); ok && Nick(run, user) != string(from) {
				t.Fatalf("%q is read as user %d of %d", from, user, run)
			}
		}
		if marks := strings.Count(string(frame), mark); texts > marks || marks > 0 && texts == 0 {
			t.Fatalf("%d texts with %d marks", texts, marks)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(Stamp{Run: 1, Number: 1, At: 5}.Append(nil, 0))
	f.Add(Stamp{Run: 1, Kind: Direct, Slot: 3, Sender: 4, Number: 5, At: -1, Tardy: true}.Append(nil, 300))
	f.Add([]byte(mark))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := Parse(text); err == nil && string(s.Append(nil, len(text))) != string(text) {
			t.Fatalf("%q is read as %+v", text, s)
		}
	})
}

func FuzzParseNick(f *testing.F) {
	f.Add([]byte("lt1a2b3c4d-17"))
	f.Add([]byte("lt00000000-0"))
	f.Fuzz(func(t *testing.T, nick []byte) {
		if run, user, ok := ParseNick(nick); ok && Nick(run, user) != string(nick) {
			t.Fatalf("%q is read as user %d of %d", nick, user, run)
		}
	})
}
