package ledger

import (
	"reflect"
	"testing"
)

func TestMergeRefuses(t *testing.T) {
	shape := Shape{Users: 3, Chats: 1, Talkers: 1}
	b, s := newBook(t, Config{Shape: shape, To: 3}), newSent(t, shape, 0, 3)
	s.Next(0, Broadcast, 0, 0)
	whole, err := b.Settle(s.Report(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for what, damage := range map[string]func(*Account){
		"another run":     func(a *Account) { a.Run++ },
		"another shape":   func(a *Account) { a.Shape.Seed++ },
		"too few chats":   func(a *Account) { a.Chats = nil },
		"cut off senders": func(a *Account) { a.Packed = a.Packed[:len(a.Packed)-1] },
		"no such sender":  func(a *Account) { a.Packed = []byte{3, 1, 1} },
		"no such field":   func(a *Account) { a.Packed = []byte{0, 0x80, 0x80, 1} },
		"negative number": func(a *Account) {
			a.Packed = []byte{0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}
		},
	} {
		damaged := carried(t, whole)
		damage(&damaged)
		sum := carried(t, whole)
		if err := sum.Merge(damaged); err == nil || !reflect.DeepEqual(sum, carried(t, whole)) {
			t.Errorf("%s: %v, and %+v", what, err, sum)
		}
	}
	zero := Account{}
	if err := zero.Merge(Account{}); err == nil {
		t.Error("an account without a shape is taken on")
	}
	zero.Packed = []byte{0}
	if rows, wrong := zero.Senders(10); rows != nil || wrong != 0 {
		t.Error(rows, wrong)
	}
}

func FuzzSenders(f *testing.F) {
	a := Account{Shape: Shape{Users: 100, Chats: 1}}
	a.Packed = pack(map[int]*Tally{0: {Sent: 1, Expected: 300, Delivered: 299, Lost: 1}, 99: {Unsure: 1 << 40}})
	f.Add(a.Packed)
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, packed []byte) {
		senders, err := unpack(packed, 100)
		if err != nil {
			return
		}
		again, err := unpack(pack(senders), 100)
		if err != nil || !reflect.DeepEqual(again, senders) {
			t.Fatalf("%v, %v; want %v", again, err, senders)
		}
	})
}
