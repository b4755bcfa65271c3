package ledger

import (
	"encoding/binary"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"
)

func TestSentSeconds(t *testing.T) {
	shape := Shape{Users: 2, Chats: 1, Talkers: 2, Contacts: 1}
	s := newSent(t, shape, 0, 1)
	for _, at := range []float64{-1, 0.5, 3, 2, 3.9, 5} {
		s.Next(0, Broadcast, 0, seconds(at))
	}
	s.Next(0, Broadcast, 0, seconds(7))
	s.Undo(0, Broadcast, 0)
	s.Undo(0, Broadcast, 0) // the number of 5 s
	s.Next(0, Direct, 0, 0)
	if s.Count() != 6 {
		t.Errorf("%d messages", s.Count())
	}
	report := carried(t, s.Report())
	sums, err := report.unpack(newGrid(shape))
	if err != nil {
		t.Fatal(err)
	}
	want := talk{last: 5, first: []uint32{1, 3, 3, 3, 6, 6, 6, 6}}
	if !reflect.DeepEqual(sums.talks[0], want) || sums.talks[1].last != 0 || !slices.Equal(sums.direct, []uint32{1, 0}) {
		t.Errorf("%+v, want %+v", sums, want)
	}
	for second, number := range map[int64]uint32{-5: 1, 0: 1, 1: 3, 3: 3, 4: 6, 1000: 6} {
		if got := sums.talks[0].at(second); got != number {
			t.Errorf("second %d begins with %d, want %d", second, got, number)
		}
	}
}

// However late it is, the table ends.
func TestSentForever(t *testing.T) {
	s := newSent(t, Shape{Users: 1, Chats: 1, Talkers: 1}, 0, 1)
	s.Next(0, Broadcast, 0, 1<<62)
	if n := len(s.talks[0].first); n != maxSeconds {
		t.Errorf("%d seconds", n)
	}
}

func TestReportSize(t *testing.T) {
	shape := Shape{Users: 100_000, Chats: 1, Talkers: 16, Contacts: 4}
	var total SentReport
	for from := 0; from < shape.Users; from += 20_000 {
		s := newSent(t, shape, from, from+20_000)
		for i := range s.direct {
			s.direct[i] = 10_000
		}
		for i, u := range s.grid.talker {
			for second := int64(0); int(u) >= from && int(u) < from+20_000 && second < 600; second++ {
				s.Next(int(u), Broadcast, i, second*int64(time.Second))
			}
		}
		total.Merge(s.Report())
	}
	size := 0
	for _, p := range total.Parts {
		size += len(p.Direct) + len(p.Broadcast)
	}
	if size > 1_000_000 || len(total.Parts) != 5 {
		t.Errorf("%d bytes in %d parts", size, len(total.Parts))
	}
	sums, err := total.unpack(newGrid(shape))
	if err != nil || sums.count(Direct, 0, 99_999, 3) != 10_000 || sums.count(Broadcast, 0, 0, 15) != 600 {
		t.Errorf("%v", err)
	}
}

func TestReportDamaged(t *testing.T) {
	shape := Shape{Users: 4, Chats: 1, Talkers: 1, Contacts: 1}
	good := SentPart{To: 2, Direct: []byte{1, 2}, Broadcast: []byte{2, 1, 1}}
	for what, r := range map[string]SentReport{
		"too few":            {Parts: []SentPart{{To: 2, Direct: []byte{1}, Broadcast: []byte{0}}}},
		"too many":           {Parts: []SentPart{{To: 2, Direct: []byte{1, 2, 3}, Broadcast: []byte{0}}}},
		"no seconds":         {Parts: []SentPart{{To: 2, Direct: []byte{1, 2}}}},
		"too few seconds":    {Parts: []SentPart{{To: 2, Direct: []byte{1, 2}, Broadcast: []byte{100, 1}}}},
		"too many seconds":   {Parts: []SentPart{{To: 2, Direct: []byte{1, 2}, Broadcast: []byte{1, 1, 1}}}},
		"a number too large": {Parts: []SentPart{{To: 1, Direct: binary.AppendUvarint(nil, 1<<32), Broadcast: []byte{0}}}},
		"a sum too large": {Parts: []SentPart{{To: 1, Direct: []byte{0},
			Broadcast: binary.AppendUvarint([]byte{2, 5}, 1<<32-2)}}},
		"overlap":         {Parts: []SentPart{good, {From: 1, To: 2, Direct: []byte{1}}}},
		"users backwards": {Parts: []SentPart{{From: 2, To: 1}}},
		"no such users":   {Parts: []SentPart{{From: 4, To: 5, Direct: []byte{1}}}},
		"negative users":  {Parts: []SentPart{{From: -1, To: 2, Direct: []byte{1, 2, 3}, Broadcast: []byte{0}}}},
	} {
		if _, err := newBook(t, Config{Shape: shape, To: 4}).Settle(r, 0); !errors.Is(err, errReport) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := newBook(t, Config{Shape: shape, To: 4}).Settle(SentReport{Parts: []SentPart{good}}, 0); err != nil {
		t.Error(err)
	}
}

func FuzzSentReport(f *testing.F) {
	shape := Shape{Users: 7, Chats: 2, Talkers: 2, Contacts: 2}
	f.Add(0, 1, []byte{1, 2}, []byte{2, 1, 1})
	f.Add(6, 7, []byte{0, 1}, []byte{})
	f.Add(-1, 9, []byte(nil), []byte{0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, from, to int, direct, broadcast []byte) {
		report := SentReport{Parts: []SentPart{{From: from, To: to, Direct: direct, Broadcast: broadcast}}}
		g := newGrid(shape)
		sums, err := report.unpack(g)
		if err != nil {
			return
		}
		for _, talk := range sums.talks {
			if len(talk.first) > len(broadcast) || !slices.IsSorted(talk.first) {
				t.Fatalf("%+v", talk)
			}
		}
		if _, err := newBook(t, Config{Shape: shape, To: 7}).Settle(report, 5e9); err != nil {
			t.Fatal(err)
		}
	})
}
