package room

import (
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
	"pgregory.net/rapid"
)

func TestParseNick(t *testing.T) {
	for _, c := range []struct{ name, in, shown, key string }{
		{"plain", "alice", "alice", "alice"},
		{"case is shown and not compared", "AliCe", "AliCe", "alice"},
		{"case beyond ASCII", "ÀÉÎ", "ÀÉÎ", "àéî"},
		{"final sigma", "ΣΊΣΥΦΟΣ", "ΣΊΣΥΦΟΣ", "σίσυφοσ"},
		{"a sigma that looks like another is compared like it", "\u03f9", "Σ", "σ"},
		{"decomposed is composed", "e\u0301", "\u00e9", "\u00e9"},
		{"full width is mapped", "ｂｏｂ", "bob", "bob"},
		{"ligature is mapped", "ﬁn", "fin", "fin"},
		{"spaces around go", "  bob ", "bob", "bob"},
		{"spaces inside are one", "big   bob", "big bob", "big bob"},
		{"other spaces are spaces", "big\u3000bob", "big bob", "big bob"},
		{"no Latin", "妹子", "妹子", "妹子"},
		{"emoji", "🦊", "🦊", "🦊"},
		{"right to left", "שלום", "שלום", "שלום"},
		{"quotes and backslash", `a"b\c`, `a"b\c`, `a"b\c`},
		{"dots", "..", "..", ".."},
		{"64 bytes", strings.Repeat("a", 64), strings.Repeat("a", 64), strings.Repeat("a", 64)},
		{"64 bytes of two", strings.Repeat("é", 32), strings.Repeat("é", 32), strings.Repeat("é", 32)},
		{"longer before normalisation", strings.Repeat(" ", 200) + "bob", "bob", "bob"},
		{"within another word", "systems", "systems", "systems"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := ParseNick(c.in)
			if err != nil {
				t.Fatal(err)
			}
			if want := (Nick{c.shown, c.key}); n != want {
				t.Fatalf("got %+q, want %+q", n, want)
			}
		})
	}
}

func TestParseNickRefuses(t *testing.T) {
	for _, c := range []struct{ name, in string }{
		{"empty", ""},
		{"spaces only", "   "},
		{"65 bytes", strings.Repeat("a", 65)},
		{"65 bytes of two", strings.Repeat("é", 32) + "a"},
		{"normalises to more", strings.Repeat("ﷺ", 5)},
		{"very long", strings.Repeat("é", 1<<16)},
		{"not UTF-8", "a\xff"},
		{"half a character", "a\xe2\x82"},
		{"surrogate", "a\xed\xa0\x80"},
		{"NUL", "a\x00"},
		{"newline", "a\nb"},
		{"delete", "a\x7f"},
		{"C1 control", "a\u0085b"},
		{"right-to-left override", "a\u202eb"},
		{"left-to-right isolate", "a\u2066b"},
		{"right-to-left mark", "a\u200fb"},
		{"Arabic letter mark", "a\u061cb"},
		{"zero width space", "a\u200bb"},
		{"soft hyphen", "a\u00adb"},
		{"byte order mark", "\ufeffa"},
		{"line separator", "a\u2028b"},
		{"unassigned", "a\U000e0080"},
		{"private use", "a\ue000"},
		{"slash", "a/b"},
		{"slash alone", "/"},
		{"full width solidus", "a／b"},
		{"system", "system"},
		{"system in capitals", "SyStEm"},
		{"system in full width", "ｓｙｓｔｅｍ"},
		{"system among spaces", " system "},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := ParseNick(c.in)
			if err == nil {
				t.Fatalf("%q became %+q", c.in, n)
			}
			if err.Code != http.StatusBadRequest {
				t.Fatalf("code %d, want 400", err.Code)
			}
		})
	}
}

// The fast path for plain ASCII must say what PRECIS says, and must not be taken where PRECIS has something to do.
func TestPlainNicksAreAsPRECIS(t *testing.T) {
	ascii := rapid.StringOfN(rapid.RuneFrom(nil, &unicode.RangeTable{R16: []unicode.Range16{{Lo: 0, Hi: 0x7f, Stride: 1}}}), 0, 80, -1)
	plain := rapid.StringMatching(`[A-Za-z0-9._-]{1,80}`)
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(ascii, plain).Draw(t, "nick")
		got, bad := ParseNick(s)
		name, err := precis.Nickname.String(s)
		if err == nil && !strings.ContainsFunc(s, unicode.IsControl) {
			key, _ := precis.Nickname.CompareKey(s)
			want, wantBad := checkNick(Nick{name, key})
			if got != want || (bad == nil) != (wantBad == nil) {
				t.Fatalf("got %q, %v; PRECIS: %q, %v", got, bad, want, wantBad)
			}
		} else if bad == nil {
			t.Fatalf("%q became %q; PRECIS: %v", s, got, err)
		}
	})
}

func FuzzParseNick(f *testing.F) {
	for _, seed := range []string{"", "alice", " Big  Bob ", "ｓｙｓｔｅｍ", "a／b", "e\u0301", "\u202e", "\xff", "ﷺﷺﷺﷺ", "🦊", "ΣΣ", "\u03f9"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseNick(s)
		if err != nil {
			return
		}
		switch {
		case n.Name == "" || len(n.Name) > maxNick || !utf8.ValidString(n.Name):
			t.Fatalf("%q became %q, which is not 1 to 64 bytes of UTF-8", s, n.Name)
		case strings.ContainsFunc(n.Name, isForbidden) || strings.Contains(n.Name, "/"):
			t.Fatalf("%q became %q, which holds what is forbidden", s, n.Name)
		case strings.EqualFold(n.Name, "system") || n.Key == "":
			t.Fatalf("%q became %+q", s, n)
		}
		// Whoever is shown a nick can write to it: what is shown names the same person.
		if again, err := ParseNick(n.Name); err != nil || again != n {
			t.Fatalf("%q became %+q, and that %+q, %v", s, n, again, err)
		}
	})
}
