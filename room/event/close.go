package event

// The close codes of the chat: those of RFC 6455, section 7.4.1, and our own from 4000 on.
const (
	CloseNormal      uint16 = 1000
	CloseGoingAway   uint16 = 1001
	CloseProtocol    uint16 = 1002
	CloseUnsupported uint16 = 1003
	CloseNotUTF8     uint16 = 1007
	ClosePolicy      uint16 = 1008
	CloseTooBig      uint16 = 1009
	CloseError       uint16 = 1011

	CloseDraining uint16 = 4001
	CloseSlow     uint16 = 4008
	CloseRate     uint16 = 4029
	CloseFull     uint16 = 4053

	CloseBadNick   uint16 = 4500
	CloseToken     uint16 = 4501
	CloseOrigin    uint16 = 4503
	CloseInUse     uint16 = 4509
	CloseTakenOver uint16 = 4510
)

// Reconnects reports whether a client whose connection was closed with a code connects again by itself. It does after
// all codes but 4500 to 4999: what ends with a code of RFC 6455, or with none (1006), is an accident to recover from.
// After 4000 to 4499 it waits for retry_after_ms, and in each case a random time longer.
func Reconnects(code uint16) bool { return code < 4500 || code > 4999 }

// Code is a number of the protocol with its name and what it says.
type Code struct {
	Number  int
	Name    string
	Meaning string
	Again   bool // close codes: the client reconnects by itself; error codes: the same again may succeed later
}

// CloseCodes is all close codes that the server uses, by number.
func CloseCodes() []Code {
	codes := []Code{
		{Number: int(CloseNormal), Name: "normal", Meaning: "closed as asked"},
		{Number: int(CloseGoingAway), Name: "goingAway", Meaning: "the server stops"},
		{Number: int(CloseProtocol), Name: "protocol", Meaning: "not the WebSocket protocol"},
		{Number: int(CloseUnsupported), Name: "unsupported", Meaning: "a binary message, where the chat is text"},
		{Number: int(CloseNotUTF8), Name: "notUTF8", Meaning: "a text that is not UTF-8"},
		{Number: int(ClosePolicy), Name: "policy", Meaning: "against the rules"},
		{Number: int(CloseTooBig), Name: "tooBig", Meaning: "a message larger than the limit"},
		{Number: int(CloseError), Name: "error", Meaning: "a fault of the server"},
		{Number: int(CloseDraining), Name: "draining", Meaning: "the server is about to stop"},
		{Number: int(CloseSlow), Name: "slow", Meaning: "too slow a reader"},
		{Number: int(CloseRate), Name: "rate", Meaning: "too many messages a second"},
		{Number: int(CloseFull), Name: "full", Meaning: "the server is at capacity"},
		{Number: int(CloseBadNick), Name: "badNick", Meaning: "a nick against the rules"},
		{Number: int(CloseToken), Name: "token", Meaning: "a token that is refused or expired"},
		{Number: int(CloseOrigin), Name: "origin", Meaning: "a page of another origin, or banned"},
		{Number: int(CloseInUse), Name: "inUse", Meaning: "the nick is in use"},
		{Number: int(CloseTakenOver), Name: "takenOver", Meaning: "taken over by a newer session"},
	}
	for i := range codes {
		codes[i].Again = Reconnects(uint16(codes[i].Number))
	}
	return codes
}

// ErrorCodes is all codes that an Error of version 2 has, by number.
func ErrorCodes() []Code {
	list := []struct {
		name, meaning string
		err           *Error
	}{
		{"malformed", "malformed or unknown", Malformed("")},
		{"unauthorized", "a token or secret is missing, wrong or expired", Unauthorized("")},
		{"forbidden", "not allowed", Forbidden("")},
		{"notFound", "no such nick, room or conversation", NotFound("")},
		{"conflict", "somebody else has it", Conflict("")},
		{"tooLarge", "larger than a limit of the welcome", TooLarge("")},
		{"slowDown", "too much at once", SlowDown("", 0)},
		{"internal", "a fault of the server", Internal("")},
		{"unavailable", "the server is full, stopping or cannot store", Unavailable("", 0)},
	}
	codes := make([]Code, len(list))
	for i, row := range list {
		codes[i] = Code{row.err.Code, row.name, row.meaning, row.err.Retry}
	}
	return codes
}
