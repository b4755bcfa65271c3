package ledger

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func anyStamp(t *rapid.T) Stamp {
	return Stamp{
		Run:    rapid.Uint32().Draw(t, "run"),
		Kind:   Kind(rapid.IntRange(0, 15).Draw(t, "kind")),
		Slot:   rapid.Uint16().Draw(t, "slot"),
		Sender: rapid.Uint32().Draw(t, "sender"),
		Number: rapid.Uint32().Draw(t, "number"),
		At:     rapid.Int64().Draw(t, "at"),
		Tardy:  rapid.Bool().Draw(t, "tardy"),
		Waited: rapid.Bool().Draw(t, "waited"), Again: rapid.Bool().Draw(t, "again"),
	}
}

// A stamp comes back as it was, is as long as it should be, and stands in JSON as it is. Nothing can be changed in its
// text without being seen.
func TestStamp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyStamp(t)
		size := rapid.OneOf(rapid.IntRange(-1, 300), rapid.IntRange(4000, 9000)).Draw(t, "size")
		text := s.Append([]byte("before"), size)[len("before"):]
		if want := max(size, MinSize); len(text) != want {
			t.Fatalf("%d bytes, want %d", len(text), want)
		}
		if quoted, _ := json.Marshal(string(text)); string(quoted) != `"`+string(text)+`"` {
			t.Fatalf("JSON writes it as %s", quoted)
		}
		if got, err := Parse(text); err != nil || got != s {
			t.Fatalf("%+v, %v; want %+v", got, err, s)
		}
		if strings.Count(string(text), mark) != 1 {
			t.Fatalf("the mark occurs again in %s", text)
		}

		changed := slices.Clone(text)
		at := rapid.IntRange(0, len(text)-1).Draw(t, "where")
		changed[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "how"))
		for _, broken := range [][]byte{changed, text[:at], append(slices.Clone(text), text[at])} {
			if got, err := Parse(broken); err == nil {
				t.Fatalf("%s is read as %+v", broken, got)
			}
		}
	})
}

func TestParse(t *testing.T) {
	s := Stamp{Run: 0x1a2b3c4d, Kind: Direct, Slot: 0xbeef, Sender: 99999, Number: math.MaxUint32, At: -1, Tardy: true}
	text := string(s.Append(nil, 100))
	const want = "~lt:beef1a2b3c4d110000640001869fffffffffffffffffffffffff"
	if text[:sumAt] != want {
		t.Errorf("%s, want %s", text[:sumAt], want)
	}
	other := string(Stamp{Run: 1, Number: 2}.Append(nil, 100))
	for _, c := range []struct {
		what, text string
		err        error
	}{
		{"whole", text, nil},
		{"empty", "", ErrSize},
		{"cut in the head", text[:MinSize-1], ErrSize},
		{"cut in the filler", text[:99], ErrSize},
		{"longer", text + "a", ErrSize},
		{"too long", strings.Repeat("a", MaxSize+1), ErrSize},
		{"no mark", "x" + text[1:], ErrMark},
		{"upper case", strings.Replace(text, "beef", "BEEF", 1), ErrSum},
		{"upper case sum", text[:sumAt] + strings.ToUpper(text[sumAt:MinSize]) + text[MinSize:], ErrSum},
		{"another's tail", text[:MinSize] + other[MinSize:], ErrFill},
	} {
		if _, err := Parse([]byte(c.text)); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", c.what, err, c.err)
		}
	}
}

func TestSizes(t *testing.T) {
	for _, c := range [][2]int{{0, MinSize}, {64, 64}, {4160, 4160}, {1 << 30, MaxSize}} {
		text := Stamp{Number: 1}.Append(nil, c[0])
		if _, err := Parse(text); err != nil || len(text) != c[1] {
			t.Errorf("size %d: %d bytes, %v", c[0], len(text), err)
		}
	}
}

func TestNick(t *testing.T) {
	if got := Nick(0x1a2b3c4d, 17); got != "lt1a2b3c4d-17" {
		t.Error(got)
	}
	rapid.Check(t, func(t *rapid.T) {
		run, user := rapid.Uint32().Draw(t, "run"), rapid.IntRange(0, maxUsers-1).Draw(t, "user")
		if r, u, ok := ParseNick([]byte(Nick(run, user))); !ok || r != run || u != user {
			t.Fatal(r, u, ok)
		}
		name := []byte(RoomName(run, user))
		if r, room, ok := ParseRoomName(name); !ok || r != run || room != user {
			t.Fatal(r, room, ok)
		}
		if _, _, ok := ParseNick(name); ok {
			t.Fatalf("%s is taken for a nick", name)
		}
	})
	for _, nick := range []string{
		"", "lt1a2b3c4d", "lt1a2b3c4d-", "lt1a2b3c4d-017", "lt1a2b3c4d-00", "lt1A2b3c4d-17", "lx1a2b3c4d-17", "lt1a2b3c4d_17",
		"lt1a2b3c4d-1x", "lt1a2b3c4d--1", "lt1a2b3c4d-99999999999", "lt1a2b3c4d-2147483648", "lt1a2b3c4g-17", "system",
	} {
		if _, _, ok := ParseNick([]byte(nick)); ok {
			t.Errorf("%q is taken for a nick", nick)
		}
		if _, _, ok := ParseRoomName([]byte(nick)); ok {
			t.Errorf("%q is taken for a room", nick)
		}
	}
}
