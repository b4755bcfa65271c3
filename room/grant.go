package room

import (
	"net/netip"
	"time"
)

// Caller is who asks to be let in. It is a value; the strings of Grant are kept.
type Caller struct {
	Name  string     // the nick that is asked for, as it came
	Addr  netip.Addr // where the client is, seen through trusted proxies; the zero Addr: unknown
	Grant *Grant     // what its token allows; nil: it has shown none
}

// Grant is what a token lets its bearer do. It is immutable, and may be shared between sessions.
type Grant struct {
	Nick      string    // whose token it is: the nick and the claim
	Expires   time.Time // when it ends; the zero Time: never
	Moderator bool      // may kick, mute, ban, delete
}
