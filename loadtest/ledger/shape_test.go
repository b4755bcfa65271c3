package ledger

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestShapeValidate(t *testing.T) {
	for _, c := range []struct {
		shape Shape
		good  bool
	}{
		{Shape{Users: 1, Chats: 1}, true},
		{Shape{Users: 10, Chats: 3, Talkers: 50, Contacts: 50}, true},
		{Shape{}, false},
		{Shape{Users: 0, Chats: 1}, false},
		{Shape{Users: 3, Chats: 4}, false},
		{Shape{Users: 3, Chats: 0}, false},
		{Shape{Users: 10, Chats: 3, RoomSize: 50, RoomTalkers: 4}, true},
		{Shape{Users: 3, Chats: 1, RoomSize: -1}, false},
		{Shape{Users: 3, Chats: 1, RoomSize: 2, RoomTalkers: -1}, false},
		{Shape{Users: 3, Chats: 1, RoomSize: 2, RoomTalkers: maxSlots/2 + 1}, false},
		{Shape{Users: 3, Chats: 1, Talkers: -1}, false},
		{Shape{Users: 3, Chats: 1, Contacts: -1}, false},
		{Shape{Users: 3, Chats: 1, Talkers: maxSlots + 1}, false},
		{Shape{Users: 3, Chats: 1, Contacts: maxSlots + 1}, false},
		{Shape{Users: maxUsers + 1, Chats: 1}, false},
	} {
		if err := c.shape.Validate(); (err == nil) != c.good {
			t.Errorf("%+v: %v", c.shape, err)
		}
	}
}

func anyShape(t *rapid.T, users int) Shape {
	s := Shape{Users: rapid.IntRange(1, users).Draw(t, "users")}
	s.Chats = rapid.OneOf(rapid.IntRange(1, min(3, s.Users)), rapid.IntRange(1, s.Users)).Draw(t, "chats")
	s.Talkers = rapid.IntRange(0, 5).Draw(t, "talkers")
	s.Contacts = rapid.IntRange(0, 5).Draw(t, "contacts")
	s.Seed = rapid.Uint64().Draw(t, "seed")
	s.RoomSize = rapid.IntRange(0, 6).Draw(t, "room size")
	if s.RoomSize > 0 {
		s.RoomTalkers = rapid.IntRange(0, 3).Draw(t, "room talkers")
	}
	return s
}

// Everyone is somewhere once, talkers are as many as they should be, contacts are others and all different, and who sends
// to whom is told the same from both sides. The grid says the same as the shape.
func TestShape(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyShape(t, 60)
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		g := newGrid(s)
		users := 0
		for chat := range s.Chats {
			users += s.Size(chat)
			talkers := map[int]bool{}
			for slot := range s.TalkerSlots(chat) {
				u := s.Talker(chat, slot)
				if u < 0 || u >= s.Users || s.Chat(u) != chat || talkers[u] {
					t.Fatalf("talker %d of chat %d is user %d", slot, chat, u)
				}
				talkers[u] = true
			}
			if want := min(s.Talkers, s.Size(chat)); len(talkers) != want {
				t.Fatalf("%d talkers, want %d", len(talkers), want)
			}
		}
		if users != s.Users {
			t.Fatalf("chats have %d users, want %d", users, s.Users)
		}
		for u := range s.Users {
			chat := s.Chat(u)
			if s.User(chat, s.Position(u)) != u {
				t.Fatalf("user %d is another at its position", u)
			}
			contacts := map[int]bool{u: true}
			for j := range s.ContactSlots(chat) {
				c := s.Contact(u, j)
				if c < 0 || c >= s.Users || s.Chat(c) != chat || contacts[c] {
					t.Fatalf("contact %d of %d is %d", j, u, c)
				}
				contacts[c] = true
				if s.SenderTo(c, j) != u {
					t.Fatalf("user %d sends to %d, who hears %d", u, c, s.SenderTo(c, j))
				}
			}
			for column := range g.width() {
				kind, slot := g.stream(column)
				want := uint32(nobody)
				if kind == Broadcast && slot < s.TalkerSlots(chat) || kind == Direct && slot < s.ContactSlots(chat) ||
					kind == Room && speaks(s, u, slot) {
					want = uint32(s.senderOf(u, kind, slot))
				}
				if got := g.sender(u, column); got != want || g.column(kind, slot) != column {
					t.Fatalf("column %d of user %d: sender %d, want %d", column, u, got, want)
				}
			}
		}
	})
}

// speaks says whether there is a talker on a slot of a user's rooms.
func speaks(s Shape, u, slot int) bool {
	room, j := s.RoomOf(u, slot)
	return j < s.RoomTalkerSlots(room)
}

// Everyone is in two rooms of about the size that was asked for, whose talkers are members, all different and as many as
// they should be.
func TestRooms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyShape(t, 200)
		s.RoomSize, s.RoomTalkers = rapid.IntRange(1, 60).Draw(t, "size"), rapid.IntRange(0, 5).Draw(t, "talkers")
		members := make([][]int, s.Rooms())
		for u := range s.Users {
			for side := range RoomsEach {
				room := s.Room(u, side)
				members[room] = append(members[room], u)
			}
		}
		for room, users := range members {
			if n := len(users); n < 1 || n > 2*s.RoomSize || n < s.RoomSize/2 && n < s.Size(s.Chat(users[0])) {
				t.Fatalf("room %d of size %d has %d users", room, s.RoomSize, n)
			}
			if want := min(s.RoomTalkers, len(users)); s.RoomTalkerSlots(room) != want {
				t.Fatalf("room %d has %d talkers, want %d", room, s.RoomTalkerSlots(room), want)
			}
			talkers := map[int]bool{}
			for j := range s.RoomTalkerSlots(room) {
				u := s.RoomTalker(room, j)
				if talkers[u] || !slices.Contains(users, u) || s.Chat(u) != s.Chat(users[0]) {
					t.Fatalf("talker %d of room %d is user %d of %v", j, room, u, users)
				}
				talkers[u] = true
				side := room / (s.Rooms() / s.Chats / RoomsEach) % RoomsEach
				if r, k := s.RoomOf(u, s.RoomSlot(side, j)); r != room || k != j {
					t.Fatalf("slot of talker %d of room %d is of %d of %d", j, room, k, r)
				}
			}
		}
	})
}
