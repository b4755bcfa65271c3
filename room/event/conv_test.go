package event

import (
	"testing"

	"pgregory.net/rapid"
)

func TestParseConv(t *testing.T) {
	for _, row := range []struct {
		text string
		want Conv // zero: refused
	}{
		{"room:all", Everyone()},
		{"room:go", Room("go")},
		{"room:ALL", Room("ALL")},
		{"room:all ", Room("all ")},
		{"room:a:b/c", Room("a:b/c")},
		{"dm:bob", Direct("bob")},
		{"dm:all", Direct("all")},
		{"dm:room:all", Direct("room:all")},
		{"", Conv{}}, {"all", Conv{}}, {"room:", Conv{}}, {"dm:", Conv{}}, {"DM:bob", Conv{}}, {" dm:bob", Conv{}}, {"dm", Conv{}}, {"group:x", Conv{}},
	} {
		got, err := ParseConv(row.text)
		if got != row.want || (err == nil) != (row.want != Conv{}) {
			t.Errorf("%q: %+v, %v; want %+v", row.text, got, err, row.want)
		}
	}
}

// A name that is written reads the same.
func TestConvParsesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		conv := anyConv.Draw(t, "conv")
		if conv.Name == "" {
			conv = Everyone()
		}
		text := conv.String()
		want := conv
		if conv == Room("all") {
			want = Everyone() // the one room name that is taken
		}
		if got, err := ParseConv(text); err != nil || got != want {
			t.Fatalf("%q: %+v, %v", text, got, err)
		}
	})
}

func TestNoConv(t *testing.T) {
	if s := (Conv{}).String(); s != "" {
		t.Fatalf("no conversation is named %q", s)
	}
}
