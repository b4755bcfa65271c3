package ledger

// RoomsEach is how many rooms each user is in, when there are any.
const RoomsEach = 2

// sides is how many rooms a chat has on each of its sides: a user is in one room of each side. The rooms of the first side
// are stretches of the positions, those of the second take them in turn, so that two who share a room share, in a large
// chat, no other. All chats have as many.
func (s Shape) sides() int {
	if s.RoomSize == 0 {
		return 0
	}
	return max(1, (s.Users/s.Chats+s.RoomSize/2)/s.RoomSize)
}

// Rooms is how many rooms there are in all chats.
func (s Shape) Rooms() int { return s.Chats * RoomsEach * s.sides() }

// Room is the room of user u on a side, 0 or 1: a number from 0 to Rooms-1. There must be rooms.
func (s Shape) Room(u, side int) int {
	chat, n := s.Chat(u), s.sides()
	i := s.Position(u) % n
	if side == 0 {
		i = s.Position(u) * n / s.Size(chat)
	}
	return (chat*RoomsEach+side)*n + i
}

// RoomTalkerSlots is how many users of a room speak in it.
func (s Shape) RoomTalkerSlots(room int) int {
	_, _, size := s.members(room)
	return min(s.RoomTalkers, size)
}

// RoomTalker is the user who speaks in a room as its talker j.
func (s Shape) RoomTalker(room, j int) int {
	first, step, size := s.members(room)
	chat := room / (RoomsEach * s.sides())
	return s.User(chat, first+step*(j*size/min(s.RoomTalkers, size)))
}

// members are the positions of a room's members in its chat: the first, the distance between two, and how many.
func (s Shape) members(room int) (first, step, size int) {
	n := s.sides()
	all := s.Size(room / (RoomsEach * n))
	i := room % n
	if room/n%RoomsEach == 0 {
		first = (i*all + n - 1) / n
		return first, 1, ((i+1)*all+n-1)/n - first
	}
	return i, n, (all - i + n - 1) / n
}

// RoomSlot is the slot of a stream in a room, for [Stamp]: of the talker j of the room on a side.
func (s Shape) RoomSlot(side, j int) int { return side*s.RoomTalkers + j }

// RoomOf is the opposite: the room of a recipient that a slot belongs to, and which of its talkers speaks there.
func (s Shape) RoomOf(u, slot int) (room, j int) {
	return s.Room(u, slot/s.RoomTalkers), slot % s.RoomTalkers
}
