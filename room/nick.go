package room

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

	"throng/room/event"
)

// maxNick is the longest nickname, in bytes of UTF-8 after normalisation.
const maxNick = 64

// Nick is a nickname that keeps the rules.
type Nick struct {
	Name string // as people see it
	Key  string // what it is compared by
}

// clone is a copy that refers to nothing else.
func (n Nick) clone() Nick {
	if n.Name == n.Key {
		name := strings.Clone(n.Name)
		return Nick{name, name}
	}
	return Nick{strings.Clone(n.Name), strings.Clone(n.Key)}
}

// ParseNick normalises a nickname by the PRECIS Nickname profile (RFC 8266) and checks it. Its errors have code 400.
func ParseNick(s string) (Nick, *event.Error) {
	if isPlain(s) {
		return checkNick(Nick{Name: s, Key: strings.ToLower(s)})
	}
	if !utf8.ValidString(s) {
		return Nick{}, event.Malformed("a nick must be UTF-8")
	}
	if strings.ContainsFunc(s, isForbidden) {
		return Nick{}, event.Malformed("a nick must have no control or direction characters")
	}
	if len(s) > 8*maxNick {
		return Nick{}, errLongNick // normalising takes time, and never makes it that much shorter
	}
	name, err := precis.Nickname.String(s)
	if err != nil {
		return Nick{}, event.Malformed("a nick must not be empty or have forbidden characters")
	}
	key, err := precis.Nickname.CompareKey(s)
	if err != nil {
		return Nick{}, event.Malformed("a nick must not be empty or have forbidden characters")
	}
	// Lower case has two sigmas, and which one a Σ becomes depends on its place: they count as one.
	return checkNick(Nick{Name: name, Key: strings.ReplaceAll(key, "ς", "σ")})
}

// readNick is ParseNick for the name of a conversation's other side, which may be the server itself.
func readNick(s string) (Nick, *event.Error) {
	if s == event.System {
		return theServer, nil
	}
	return ParseNick(s)
}

// theServer is who speaks as the server itself. Nobody can come in under its name.
var theServer = Nick{event.System, event.System}

var errLongNick = event.Malformed("a nick must have 1 to 64 bytes")

// checkNick applies our own rules to a normalised nick.
func checkNick(n Nick) (Nick, *event.Error) {
	switch {
	case n.Name == "" || len(n.Name) > maxNick || len(n.Key) > 4*maxNick:
		return Nick{}, errLongNick
	case strings.Contains(n.Name, "/"):
		return Nick{}, event.Malformed("a nick must have no slash")
	case n.Key == event.System:
		return Nick{}, event.Malformed("the nick system is the server's own")
	}
	return n, nil
}

// isPlain reports whether s is of ASCII letters, digits, '-', '_' and '.' only: PRECIS leaves such a nick as it is and
// compares it in lower case.
func isPlain(s string) bool {
	for i := range len(s) {
		switch b := s[i]; {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', b == '-', b == '_', b == '.':
		default:
			return false
		}
	}
	return true
}

// isForbidden tells control characters and those that turn the direction of text (UAX 9), with which one nick could
// be made to look like another.
func isForbidden(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}
