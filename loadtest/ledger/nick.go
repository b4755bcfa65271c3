package ledger

import (
	"encoding/binary"
	"fmt"
)

// Nick is the nickname of a user of a run, such as lt1a2b3c4d-17: lower-case ASCII that a server's rules for nicknames
// (RFC 8266) leave as it is.
func Nick(run uint32, user int) string { return fmt.Sprintf("lt%08x-%d", run, user) }

// ParseNick reads a nickname that [Nick] made, and nothing else.
func ParseNick(nick []byte) (run uint32, user int, ok bool) {
	const digits = len("lt00000000-")
	if len(nick) <= digits || len(nick) > digits+10 || nick[0] != 'l' || nick[1] != 't' || nick[digits-1] != '-' {
		return 0, 0, false
	}
	word := binary.BigEndian.Uint64(nick[2:])
	run = unhex(word)
	if hex(run) != word || nick[digits] == '0' && len(nick) > digits+1 {
		return 0, 0, false
	}
	for _, c := range nick[digits:] {
		if c < '0' || c > '9' {
			return 0, 0, false
		}
		user = user*10 + int(c-'0')
	}
	return run, user, user < maxUsers
}
