package ledger

import (
	"encoding/json"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const run = 0x1a2b3c4d

// message is a message of a recipient's first stream of a kind, as text and sender.
func message(shape Shape, user int, kind Kind, number uint32, at int64) (text, from []byte) {
	sender := shape.senderOf(user, kind, 0)
	s := Stamp{Run: run, Kind: kind, Sender: uint32(sender), Number: number, At: at}
	return s.Append(nil, 0), []byte(Nick(run, sender))
}

func (s Shape) senderOf(user int, kind Kind, slot int) int {
	switch kind {
	case Broadcast:
		return s.Talker(s.Chat(user), slot)
	case Room:
		return s.RoomTalker(s.RoomOf(user, slot))
	}
	return s.SenderTo(user, slot)
}

// carried is v after a journey to another process.
func carried[T any](t interface{ Fatal(...any) }, v T) T {
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var there T
	if err := json.Unmarshal(data, &there); err != nil {
		t.Fatal(err)
	}
	return there
}

func newBook(t testing.TB, conf Config) *Book {
	t.Helper()
	conf.Run = run
	b, err := NewBook(conf)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newSent(t testing.TB, shape Shape, from, to int) *Sent {
	t.Helper()
	s, err := NewSent(shape, from, to)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
