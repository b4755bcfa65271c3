package ledger

import "fmt"

// Shape says who talks to whom in a run. It is pure arithmetic: every process that has the same Shape comes to the
// same answers, and no table of them need be sent around. The zero Shape is not valid. Methods may be called from any
// goroutine; they expect a valid Shape and numbers within it.
//
// User u, counted from 0 over the whole run, is in chat u mod Chats at position u / Chats. Sizes of chats differ by
// one at most.
type Shape struct {
	Users    int    `json:"users"`    // of the whole run, at least 1
	Chats    int    `json:"chats"`    // separate chats, 1 to Users
	Talkers  int    `json:"talkers"`  // users of each chat who broadcast, at most its size of them; 0: nobody
	Contacts int    `json:"contacts"` // users to whom each user sends directly, at most the others of the chat; 0: none
	Seed     uint64 `json:"seed"`     // turns the circle of contacts; any value
	// RoomSize is about how many users each room has; every user is in [RoomsEach] of them. 0: there are none.
	RoomSize    int `json:"room_size,omitempty"`
	RoomTalkers int `json:"room_talkers,omitempty"` // users of each room who speak in it, at most its size of them; 0: nobody
}

// The largest numbers that a [Stamp] has room for.
const (
	maxUsers = 1 << 31
	maxSlots = 1 << 16
)

// Validate says what is wrong with a shape.
func (s Shape) Validate() error {
	switch {
	case s.Users < 1 || s.Users > maxUsers:
		return fmt.Errorf("ledger: %d users: want 1 to %d", s.Users, maxUsers)
	case s.Chats < 1 || s.Chats > s.Users:
		return fmt.Errorf("ledger: %d chats: want 1 to %d, the number of users", s.Chats, s.Users)
	case s.Talkers < 0 || s.Talkers > maxSlots:
		return fmt.Errorf("ledger: %d talkers: want 0 to %d", s.Talkers, maxSlots)
	case s.Contacts < 0 || s.Contacts > maxSlots:
		return fmt.Errorf("ledger: %d contacts: want 0 to %d", s.Contacts, maxSlots)
	case s.RoomSize < 0 || s.RoomTalkers < 0 || s.RoomTalkers > maxSlots/RoomsEach:
		return fmt.Errorf("ledger: rooms of %d with %d talkers: want 0 or more, and 0 to %d", s.RoomSize, s.RoomTalkers, maxSlots/RoomsEach)
	}
	return nil
}

// Chat is the chat of user u.
func (s Shape) Chat(u int) int { return u % s.Chats }

// Position is the place of user u in its chat.
func (s Shape) Position(u int) int { return u / s.Chats }

// User is the user at a position of a chat.
func (s Shape) User(chat, position int) int { return position*s.Chats + chat }

// Size is how many users a chat has.
func (s Shape) Size(chat int) int { return (s.Users - chat + s.Chats - 1) / s.Chats }

// TalkerSlots is how many users of a chat broadcast.
func (s Shape) TalkerSlots(chat int) int { return min(s.Talkers, s.Size(chat)) }

// Talker is the user who broadcasts on a slot of a chat. The talkers are spread evenly over the positions.
func (s Shape) Talker(chat, slot int) int {
	size := s.Size(chat)
	return s.User(chat, slot*size/min(s.Talkers, size))
}

// ContactSlots is how many contacts each user of a chat has, which is also how many users have it as a contact.
func (s Shape) ContactSlots(chat int) int { return min(s.Contacts, s.Size(chat)-1) }

// Contact is the user to whom u sends directly on slot j.
func (s Shape) Contact(u, j int) int {
	chat := s.Chat(u)
	size := s.Size(chat)
	return s.User(chat, (s.Position(u)+s.distance(size, j))%size)
}

// SenderTo is the user who sends directly to u on slot j: u is its contact j, and no other user's.
func (s Shape) SenderTo(u, j int) int {
	chat := s.Chat(u)
	size := s.Size(chat)
	return s.User(chat, (s.Position(u)-s.distance(size, j)+size)%size)
}

// distance is how many positions lie between a user and its contact j in a chat of some size: 1 to size-1, and another
// one for each j. The contacts stand evenly around the circle of the others, which the seed turns.
func (s Shape) distance(size, j int) int {
	others := size - 1
	turn := int(mix(s.Seed) % uint64(others))
	return 1 + (turn+j*others/min(s.Contacts, others))%others
}

// mix is the finalizer of SplitMix64 (Steele, Lea and Flood, 2014): each bit of the result depends on all of v.
func mix(v uint64) uint64 {
	v += 0x9e3779b97f4a7c15
	v = (v ^ v>>30) * 0xbf58476d1ce4e5b9
	v = (v ^ v>>27) * 0x94d049bb133111eb
	return v ^ v>>31
}
