package ledger

import (
	"encoding/binary"
	"fmt"
)

// Nick is the nickname of a user of a run, such as lt1a2b3c4d-17: lower-case ASCII that a server's rules for nicknames
// (RFC 8266) leave as it is.
func Nick(run uint32, user int) string { return fmt.Sprintf("lt%08x-%d", run, user) }

// RoomName is what a room of a run is called, such as lt1a2b3c4d-r17: see [Shape.Room].
func RoomName(run uint32, room int) string { return fmt.Sprintf("lt%08x-r%d", run, room) }

// ParseNick reads a nickname that [Nick] made, and nothing else.
func ParseNick(nick []byte) (run uint32, user int, ok bool) { return parseName(nick, "-") }

// ParseRoomName reads a name that [RoomName] made, and nothing else.
func ParseRoomName(name []byte) (run uint32, room int, ok bool) { return parseName(name, "-r") }

// parseName reads a name that has some characters between the run and a number.
func parseName(name []byte, between string) (run uint32, number int, ok bool) {
	const begin = len("lt00000000")
	digits := begin + len(between)
	if len(name) <= digits || len(name) > digits+10 || name[0] != 'l' || name[1] != 't' || string(name[begin:digits]) != between {
		return 0, 0, false
	}
	word := binary.BigEndian.Uint64(name[2:])
	run = unhex(word)
	if hex(run) != word || name[digits] == '0' && len(name) > digits+1 {
		return 0, 0, false
	}
	for _, c := range name[digits:] {
		if c < '0' || c > '9' {
			return 0, 0, false
		}
		number = number*10 + int(c-'0')
	}
	return run, number, number < maxUsers
}
