package ledger

import (
	"errors"
	"testing"
)

// TestSlow checks that who takes its time is owed all and is late with nothing, and that nobody waits for it.
func TestSlow(t *testing.T) {
	shape := Shape{Users: 2, Chats: 1, Talkers: 1}
	b, s := newBook(t, Config{Shape: shape, To: 2, Kept: true, LateAfter: 1}), newSent(t, shape, 0, 2)
	b.Slow(1)
	for user := range 2 {
		b.Joined(user, 0)
	}
	const at = 5_000_000_000
	for range 2 {
		s.Next(0, Broadcast, 0, at)
	}
	for user, kept := range []bool{false, true} {
		text, from := message(shape, user, Broadcast, 1, at)
		if o := b.Received(user, text, from, at+9); o.Kept != kept || !o.First() {
			t.Errorf("user %d: %+v", user, o)
		}
	}
	pieces, missed := b.Drain(at)
	if len(pieces) != 1 || pieces[0].Count != 1 || !pieces[0].All || missed != 0 {
		t.Errorf("pieces %+v, %d missed", pieces, missed)
	}
	a, err := b.Settle(s.Report(), at)
	if want := (Tally{Sent: 2, Expected: 4, Delivered: 2, Lost: 2, Late: 1}); err != nil || a.Total != want {
		t.Errorf("%+v, %v; want %+v", a.Total, err, want)
	}
}

// TestBroken checks that what is wrong with a message beside its text counts as corrupted, under its name where it has one.
func TestBroken(t *testing.T) {
	shape := Shape{Users: 9, Chats: 1, RoomSize: 3, RoomTalkers: 2}
	b := newBook(t, Config{Shape: shape, To: 9, Kept: true})
	sender := shape.RoomTalker(shape.RoomOf(4, 3))
	stamp := Stamp{Run: run, Kind: Room, Slot: 3, Sender: uint32(sender), Number: 1}
	r := Read(stamp.Append(nil, 0), []byte(Nick(run, sender)))
	why := errors.New("in the wrong place")
	b.Broken(4, b.Got(4, &r, 1), 1, why)
	b.Broken(5, Outcome{}, 2, why)
	a, err := b.Settle(SentReport{}, 3)
	if err != nil || a.Total != (Tally{Expected: 1, Delivered: 1, Corrupted: 2}) || len(a.Faults) != 2 {
		t.Fatalf("%+v, %v", a, err)
	}
	conversation, from, to := a.Names(a.Faults[0])
	if conversation != RoomName(run, shape.Room(4, 1)) || from != Nick(run, sender) || to != Nick(run, 4) {
		t.Error(conversation, from, to)
	}
	if f := a.Faults[1]; f.Sender != -1 || f.Recipient != 5 || f.Why != why.Error() {
		t.Errorf("%+v", f)
	}
}
