package ledger

import "errors"

// What is what became of a delivery.
type What uint8

// All that can become of it.
const (
	Delivered  What = iota // in order, or ahead of others
	Reordered              // delivered, but after a later one of its stream
	Duplicated             // a copy of one that was delivered
	Unsure                 // of numbers that were written off: one of the three above
	Corrupted              // nobody of this run sent this message so to this recipient
	Lost                   // only in a [Fault]
	whats
)

var whatNames = [whats]string{"delivered", "reordered", "duplicated", "unsure", "corrupted", "lost"}

func (w What) String() string {
	if w >= whats {
		return "unknown"
	}
	return whatNames[w]
}

// Outcome says how a delivery was booked.
type Outcome struct {
	What    What
	Kind    Kind
	Slot    uint16
	Sender  uint32
	Number  uint32
	Tardy   bool  // see [Stamp]: the latency is not the server's
	Kept    bool  // it waited for its sender or for its recipient, who was away: so has the latency
	Latency int64 // nanoseconds from the intended time of sending to the delivery
	Why     error // why it counts as corrupted; what it says of itself may be wrong then
}

// First says that the message is delivered by this, and was not before.
func (o Outcome) First() bool { return o.What == Delivered || o.What == Reordered }

// Why a stamp that is whole does not belong where it came.
var (
	ErrNone   = errors.New("the message carries no stamp")
	ErrRun    = errors.New("the message is of another run")
	ErrStream = errors.New("the sender has no such stream to this recipient")
	ErrFrom   = errors.New("from_user is not the sender")
	ErrNumber = errors.New("messages are numbered from 1")
)

// Reading is what a message says of itself and of its sender. A message that many users get need be read but once.
type Reading struct {
	Stamp  Stamp
	Err    error // it carries no stamp
	Forged bool  // from_user is not the sender
}

// Read reads a message; text and from are as [Find] gives them, and are not kept.
func Read(text, from []byte) (r Reading) {
	r.read(text, from)
	return r
}

func (r *Reading) read(text, from []byte) {
	if r.Err = r.Stamp.parse(text); r.Err != nil {
		return
	}
	run, sender, ok := ParseNick(from)
	r.Forged = !ok || run != r.Stamp.Run || sender != int(r.Stamp.Sender)
}
