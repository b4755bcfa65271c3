package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Tally counts messages, and deliveries: pairs of a message and one of its recipients. Expected = Delivered + Lost
// always holds.
type Tally struct {
	Sent       int64 `json:"sent"`       // messages
	Expected   int64 `json:"expected"`   // deliveries that were owed, or came all the same
	Delivered  int64 `json:"delivered"`  // that came, once or more
	Lost       int64 `json:"lost"`       // that were owed and never came
	Duplicated int64 `json:"duplicated"` // copies beyond the first
	Reordered  int64 `json:"reordered"`  // that came after a later one of their stream, and had not been refused and said again
	Late       int64 `json:"late"`       // that came, but too long after their time
	Corrupted  int64 `json:"corrupted"`  // messages that nobody of this run sent so to the one who got them
	Excused    int64 `json:"excused"`    // that did not come and were not owed
	Unsure     int64 `json:"unsure"`     // that came when their number had been written off: lost, or a copy
}

func (t *Tally) add(o Tally) {
	sum, more := t.fields(), o.fields()
	for i := range sum {
		*sum[i] += *more[i]
	}
}

func (t *Tally) fields() [10]*int64 {
	return [...]*int64{
		&t.Sent, &t.Expected, &t.Delivered, &t.Lost, &t.Duplicated, &t.Reordered, &t.Late, &t.Corrupted, &t.Excused, &t.Unsure,
	}
}

// bad counts what should not have happened, lateness apart.
func (t *Tally) bad() int64 { return t.Lost + t.Duplicated + t.Reordered + t.Corrupted + t.Unsure }

func (t *Tally) wrong() bool { return t.bad()+t.Late > 0 }

// worse compares so that the worst comes first.
func worse(a, b *Tally) int {
	return cmp.Or(cmp.Compare(b.bad(), a.bad()), cmp.Compare(b.Late, a.Late))
}

// Fault is one delivery that went wrong, or a run of lost ones.
type Fault struct {
	What      What   `json:"what"` // Lost, Corrupted, Duplicated or Reordered
	Kind      Kind   `json:"kind"`
	Slot      uint16 `json:"slot,omitempty"` // of the stream, which tells the room
	Sender    int    `json:"sender"`         // user; of a corrupted message what its stamp says, -1 if it has none that is whole
	Recipient int    `json:"recipient"`
	Number    uint32 `json:"number"`        // in the stream
	To        uint32 `json:"to"`            // the last of those lost; Number elsewhere
	At        int64  `json:"at,omitempty"`  // when it came, on the run's clock; 0 for what was lost
	Why       string `json:"why,omitempty"` // of a corrupted one
}

// Stream is the tally of one stream to one recipient.
type Stream struct {
	Sender    int `json:"sender"`
	Recipient int `json:"recipient"`
	Tally
}

// Row is the tally of one conversation or sender.
type Row struct {
	Name string
	Tally
}

// Account is what a [Book], or the books of several workers, found out. It is plain data, made to be sent to other
// processes: 5 to 15 bytes a sender, and what is named. It is one goroutine's.
type Account struct {
	Run   uint32       `json:"run"`
	Shape Shape        `json:"shape"`
	Total Tally        `json:"total"` // of all kinds; corrupted messages count only here
	Kinds [kinds]Tally `json:"kinds"` // by [Kind]
	Chats []Tally      `json:"chats"` // broadcasts by chat
	// Direct are the streams between two users with which something is wrong, the worst 1,000. Wrong is how many there are.
	Direct []Stream `json:"direct,omitempty"`
	Wrong  int      `json:"wrong"`
	// Packed is the tallies of all senders: see [Account.Senders]. Rooms is those of all rooms, by number.
	Packed []byte `json:"packed,omitempty"`
	Rooms  []byte `json:"rooms,omitempty"`
	// Faults are the lost, by recipient, then what was corrupted, duplicated and reordered, each in the order in which it
	// happened. At most [MaxFaults] of each are here; Total has the exact numbers.
	Faults []Fault `json:"faults,omitempty"`
	// WrittenOff is how many of the lost are lost for want of memory: see Config.Spans. They are not among the Faults.
	WrittenOff int64 `json:"written_off,omitempty"`
}

const maxRows = 1000 // of Account.Direct

var errMerge = errors.New("ledger: accounts do not fit together")

// Merge adds the account of other recipients of the same run. The zero Account takes on any. After an error the account
// is as it was.
func (a *Account) Merge(b Account) error {
	sum := *a
	if a.Shape == (Shape{}) {
		sum.Run, sum.Shape, sum.Chats = b.Run, b.Shape, make([]Tally, len(b.Chats))
	}
	if sum.Run != b.Run || sum.Shape != b.Shape || b.Shape.Validate() != nil || len(b.Chats) != b.Shape.Chats {
		return errMerge
	}
	var err error
	if sum.Packed, err = merge(a.Packed, b.Packed, sum.Shape.Users); err != nil {
		return err
	}
	if sum.Rooms, err = merge(a.Rooms, b.Rooms, sum.Shape.Rooms()); err != nil {
		return err
	}
	sum.Total.add(b.Total)
	for k := range sum.Kinds {
		sum.Kinds[k].add(b.Kinds[k])
	}
	sum.Chats = slices.Clone(sum.Chats)
	for c := range sum.Chats {
		sum.Chats[c].add(b.Chats[c])
	}
	sum.Direct = slices.Concat(sum.Direct, b.Direct)
	sum.Wrong += b.Wrong
	sum.trimStreams()
	sum.WrittenOff += b.WrittenOff
	sum.Faults = mergeFaults(sum.Faults, b.Faults)
	*a = sum
	return nil
}

// trimStreams sorts the streams and keeps the worst.
func (a *Account) trimStreams() {
	slices.SortFunc(a.Direct, func(x, y Stream) int {
		return cmp.Or(worse(&x.Tally, &y.Tally), cmp.Compare(x.Sender, y.Sender), cmp.Compare(x.Recipient, y.Recipient))
	})
	a.Direct = a.Direct[:min(len(a.Direct), maxRows)]
}

func mergeFaults(a, b []Fault) []Fault {
	var byWhat [whats][]Fault
	for _, f := range slices.Concat(a, b) {
		if f.What < whats {
			byWhat[f.What] = append(byWhat[f.What], f)
		}
	}
	for what, faults := range byWhat {
		// What is lost has no time, and comes from each worker sorted for each recipient.
		slices.SortStableFunc(faults, func(x, y Fault) int {
			if What(what) == Lost {
				return cmp.Compare(x.Recipient, y.Recipient)
			}
			return cmp.Compare(x.At, y.At)
		})
		byWhat[what] = faults[:min(len(faults), MaxFaults)]
	}
	return slices.Concat(byWhat[Lost], byWhat[Corrupted], byWhat[Duplicated], byWhat[Reordered])
}

// Names are the names of a fault's conversation, sender and recipient. What is not known is empty.
func (a *Account) Names(f Fault) (conversation, sender, recipient string) {
	recipient = Nick(a.Run, f.Recipient)
	if f.Sender < 0 {
		return "", "", recipient
	}
	sender = Nick(a.Run, f.Sender)
	switch {
	case f.Kind == Direct:
		return sender + "→" + recipient, sender, recipient
	case f.Kind == Room && int(f.Slot) < RoomsEach*a.Shape.RoomTalkers && a.Shape.RoomSize > 0:
		room, _ := a.Shape.RoomOf(f.Recipient, int(f.Slot))
		return RoomName(a.Run, room), sender, recipient
	}
	return a.chatName(a.Shape.Chat(f.Recipient)), sender, recipient
}

func (a *Account) chatName(chat int) string {
	if a.Shape.Chats == 1 {
		return "all"
	}
	return fmt.Sprintf("all/%d", chat)
}

// Conversations are those with which something is wrong, the worst first, at most n of them and 1,000; and how many
// there are. A conversation is all of a chat, a room, or one direction between two users.
func (a *Account) Conversations(n int) (rows []Row, wrong int) {
	rows, wrong = worst(a.Rooms, a.Shape.Rooms(), func(room int) string { return RoomName(a.Run, room) })
	wrong += a.Wrong
	for chat, t := range a.Chats {
		if t.wrong() {
			wrong++
			rows = append(rows, Row{a.chatName(chat), t})
		}
	}
	for _, s := range a.Direct {
		rows = append(rows, Row{Nick(a.Run, s.Sender) + "→" + Nick(a.Run, s.Recipient), s.Tally})
	}
	slices.SortStableFunc(rows, func(x, y Row) int { return worse(&x.Tally, &y.Tally) })
	return rows[:min(len(rows), n)], wrong
}
