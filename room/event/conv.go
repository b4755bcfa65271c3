package event

import "strings"

// ConvKind is what kind of conversation a Conv is.
type ConvKind uint8

// The kinds. The zero value is no conversation.
const (
	ConvNone   ConvKind = iota
	ConvAll             // everyone
	ConvRoom            // a named room
	ConvDirect          // between two
)

// Conv is a conversation as its reader sees it: a direct one bears the other's nick, so that it has two names. It is
// comparable. Names stand as they were written: this package does not know what a good one is.
type Conv struct {
	Kind ConvKind
	Name string // of the room, or the other's nick; "" for everyone
}

// Everyone is the conversation of all: room:all.
func Everyone() Conv { return Conv{Kind: ConvAll} }

// Room is the conversation of a named room.
func Room(name string) Conv { return Conv{ConvRoom, name} }

// Direct is the conversation with one nick.
func Direct(nick string) Conv { return Conv{ConvDirect, nick} }

// The names on the wire.
const (
	convAll    = "room:all"
	convRoom   = "room:"
	convDirect = "dm:"
)

var errConv = Malformed("conv must be room:all, room:<name> or dm:<nick>")

// ParseConv reads the name of a conversation. What follows the colon must not be empty and is not looked at further.
func ParseConv(s string) (Conv, *Error) {
	if s == convAll {
		return Everyone(), nil
	}
	if name, ok := strings.CutPrefix(s, convRoom); ok && name != "" {
		return Room(name), nil
	}
	if nick, ok := strings.CutPrefix(s, convDirect); ok && nick != "" {
		return Direct(nick), nil
	}
	return Conv{}, errConv
}

// String is the name of a conversation; "" for none.
func (c Conv) String() string { return c.prefix() + c.Name }

// prefix is what stands before the name. Everyone has no name, and only a prefix.
func (c Conv) prefix() string {
	switch c.Kind {
	case ConvAll:
		return convAll
	case ConvRoom:
		return convRoom
	case ConvDirect:
		return convDirect
	default:
		return ""
	}
}

// appendQuotedConv appends the name as a JSON string.
func appendQuotedConv(b []byte, c Conv) []byte {
	b = append(b, '"')
	b = append(b, c.prefix()...)
	if c.Name == "" {
		return append(b, '"')
	}
	opening := len(b) // of the name's own quotes, of which the first has to go
	b = AppendString(b, c.Name)
	return append(b[:opening], b[opening+1:]...)
}
