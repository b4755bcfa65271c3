package ledger

// grid is a [Shape] worked out for speed: which streams a recipient has, and who sends on each. A recipient is a row,
// a stream to it a column: first one for each talker of its chat, then one for each contact that it is to others, then
// one for each talker of each of its rooms. A chat or room that is too small for all columns leaves the last of a kind
// unused. A grid never changes.
type grid struct {
	Shape
	talkers  int      // columns of broadcasts
	contacts int      // columns of direct streams
	voices   int      // columns of streams in rooms
	voice    []uint32 // by room and talker: who speaks there; nobody where there is none
	talker   []uint32 // by chat and slot: the talker; nobody where there is none
	larger   int      // chats from 0 on that have one user more than the others
	back     [2][]int // by slot, for the larger chats and for the others: users from a recipient down to its sender; 0: none
	around   [2]int   // users once around the circle, for both
}

const nobody = 1<<32 - 1

func newGrid(s Shape) *grid {
	g := &grid{Shape: s, talkers: s.TalkerSlots(0), contacts: s.ContactSlots(0), larger: s.Users % s.Chats}
	if g.larger == 0 {
		g.larger = s.Chats
	}
	g.talker = make([]uint32, s.Chats*g.talkers)
	for chat := range s.Chats {
		for slot := range g.talkers {
			g.talker[chat*g.talkers+slot] = nobody
			if slot < s.TalkerSlots(chat) {
				g.talker[chat*g.talkers+slot] = uint32(s.Talker(chat, slot))
			}
		}
	}
	g.addRooms()
	for i, chat := range []int{0, s.Chats - 1} {
		g.back[i] = make([]int, g.contacts)
		g.around[i] = s.Size(chat) * s.Chats
		for j := range s.ContactSlots(chat) {
			g.back[i][j] = s.distance(s.Size(chat), j) * s.Chats
		}
	}
	return g
}

func (g *grid) addRooms() {
	if g.RoomSize == 0 {
		return
	}
	g.voices = RoomsEach * g.RoomTalkers
	g.voice = make([]uint32, g.Rooms()*g.RoomTalkers)
	for i := range g.voice {
		g.voice[i] = nobody
		if room, j := i/g.RoomTalkers, i%g.RoomTalkers; j < g.RoomTalkerSlots(room) {
			g.voice[i] = uint32(g.RoomTalker(room, j))
		}
	}
}

// width is the number of columns.
func (g *grid) width() int { return g.talkers + g.contacts + g.voices }

// column is where the stream of a kind and slot stands in a row, -1 for one that no row has.
func (g *grid) column(kind Kind, slot int) int {
	switch {
	case kind == Broadcast && slot < g.talkers:
		return slot
	case kind == Direct && slot < g.contacts:
		return g.talkers + slot
	case kind == Room && slot < g.voices:
		return g.talkers + g.contacts + slot
	}
	return -1
}

// stream is the kind and slot of a column.
func (g *grid) stream(column int) (kind Kind, slot int) {
	switch {
	case column < g.talkers:
		return Broadcast, column
	case column < g.talkers+g.contacts:
		return Direct, column - g.talkers
	}
	return Room, column - g.talkers - g.contacts
}

// sender is who sends to user u in a column, nobody if the column is unused in its chat.
func (g *grid) sender(u, column int) uint32 {
	chat := g.chat(u)
	if column < g.talkers {
		return g.talker[chat*g.talkers+column]
	}
	if column -= g.talkers + g.contacts; column >= 0 {
		return g.voice[g.inRoom(u, column)]
	}
	column += g.contacts
	circle := 0
	if chat >= g.larger {
		circle = 1
	}
	back := g.back[circle][column]
	if back == 0 {
		return nobody
	}
	if u < back {
		u += g.around[circle]
	}
	return uint32(u - back)
}

// inRoom is the index, in voice, of the stream to a recipient on a slot of its rooms.
func (g *grid) inRoom(u, slot int) int {
	room, j := g.RoomOf(u, slot)
	return room*g.RoomTalkers + j
}

// chat is [Shape.Chat] without a division where there is but one.
func (g *grid) chat(u int) int {
	if g.Chats == 1 {
		return 0
	}
	return int(uint32(u) % uint32(g.Chats))
}
