package history

import (
	"bytes"
	"math"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestMessageRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := born(rapid.Int64Range(0, 1<<45-1).Draw(t, "at"))
		seq := rapid.Uint64Range(2, 1<<55-1).Draw(t, "seq")
		m := Message{
			Conv: "all", Seq: seq, Prev: rapid.Uint64Range(0, seq-1).Draw(t, "prev"), Mid: newMid(at, seq),
			Ts: rapid.Int64().Draw(t, "ts"), Claim: rapid.Uint64().Draw(t, "claim"),
			From: rapid.String().Draw(t, "from"), To: rapid.String().Draw(t, "to"), Room: rapid.String().Draw(t, "room"),
			Cid: rapid.String().Draw(t, "cid"), Body: rapid.SliceOf(rapid.Byte()).Draw(t, "body"),
		}
		v := appendMessage(nil, &m, at)
		got, err := decodeMessage("all", seq, v)
		if err != nil || !equal(got, m) {
			t.Fatalf("%+v, %v; want %+v", got, err, m)
		}
		if ts, err := messageTs(v); err != nil || ts != m.Ts {
			t.Fatalf("ts %d, %v", ts, err)
		}
		clear(v) // the message has its own memory
		if !equal(got, m) {
			t.Fatalf("%+v; want %+v", got, m)
		}
		if s, ok := midSeqOf(m.Mid); !ok || s != seq {
			t.Fatalf("seq %d, %v", s, ok)
		}
	})
}

func TestRoundTrips(t *testing.T) {
	c := Claim{ID: 7, Nick: "Bob", Key: "bob", Secret: []byte{1, 2, 3}, Made: -1, Away: math.MaxInt64}
	if got, err := decodeClaim(7, encodeClaim(c)); err != nil || !reflect.DeepEqual(got, c) {
		t.Errorf("%+v, %v", got, err)
	}
	h := Head{First: 1, Last: math.MaxUint64, Trimmed: 3, Count: 4, Bytes: 5}
	if got, err := decodeHead(appendHead(nil, h)); err != nil || got != h {
		t.Errorf("%+v, %v", got, err)
	}
	m := Marks{1, 2, math.MaxUint64}
	if got, err := decodeMarks(encodeMarks(m)); err != nil || got != m {
		t.Errorf("%+v, %v", got, err)
	}
	d := Direct{Conv: "d", Peer: 1 << 63, PeerNick: "Bob"}
	if got, err := decodeDirect("d", encodeDirect(d.Peer, d.PeerNick)); err != nil || got != d {
		t.Errorf("%+v, %v", got, err)
	}
	f := first{conv: "all", seq: 9, at: 8, ts: -7}
	if got, err := decodeFirst(appendFirst(nil, &Message{Conv: "all", Seq: 9, Ts: -7}, 8)); err != nil || got != f {
		t.Errorf("%+v, %v", got, err)
	}
}

// FuzzRecords decodes anything as everything: a mistake is an error, and what is none can be encoded and read again.
func FuzzRecords(f *testing.F) {
	m := say("all", 1, "cid", "text").Message
	m.Seq, m.Prev = 9, 3
	f.Add(appendMessage(nil, &m, 5))
	f.Add(encodeClaim(Claim{Nick: "Bob", Key: "bob", Secret: []byte{1}}))
	f.Add(appendHead(nil, Head{1, 2, 3, 4, 5}))
	f.Add(appendFirst(nil, &m, 5))
	f.Add(encodeDirect(1, "Bob"))
	f.Add([]byte{})
	f.Add([]byte{2, 0, 0})
	f.Fuzz(func(t *testing.T, v []byte) {
		before := bytes.Clone(v)
		if m, err := decodeMessage("all", 1<<40, v); err == nil {
			again, err := decodeMessage("all", 1<<40, appendMessage(nil, &m, midTimeOf(m.Mid)))
			again.Mid = m.Mid // of a time that no id can tell
			if err != nil || !equal(again, m) {
				t.Errorf("%+v, %v; want %+v", again, err, m)
			}
		}
		if c, err := decodeClaim(1, v); err == nil {
			if again, err := decodeClaim(1, encodeClaim(c)); err != nil || !reflect.DeepEqual(again, c) {
				t.Errorf("%+v, %v; want %+v", again, err, c)
			}
		}
		if h, err := decodeHead(v); err == nil {
			if again, err := decodeHead(appendHead(nil, h)); err != nil || again != h {
				t.Errorf("%+v, %v; want %+v", again, err, h)
			}
		}
		if m, err := decodeMarks(v); err == nil {
			if again, err := decodeMarks(encodeMarks(m)); err != nil || again != m {
				t.Errorf("%+v, %v; want %+v", again, err, m)
			}
		}
		if d, err := decodeDirect("d", v); err == nil {
			if again, err := decodeDirect("d", encodeDirect(d.Peer, d.PeerNick)); err != nil || again != d {
				t.Errorf("%+v, %v; want %+v", again, err, d)
			}
		}
		if f, err := decodeFirst(v); err == nil {
			again, err := decodeFirst(appendFirst(nil, &Message{Conv: f.conv, Seq: f.seq, Ts: f.ts}, f.at))
			if err != nil || again != f {
				t.Errorf("%+v, %v; want %+v", again, err, f)
			}
		}
		if conv, seq, ok := parseMessageKey(v); ok && !bytes.Equal(messageKey(nil, string(conv), seq), v) {
			t.Errorf("key %x", v)
		}
		if m, err := decodeMessage("all", 1<<40, v); err == nil {
			if ts, err := messageTs(v); err != nil || ts != m.Ts {
				t.Errorf("ts %d, %v; want %d", ts, err, m.Ts)
			}
		}
		if !bytes.Equal(v, before) {
			t.Error("the input was changed")
		}
	})
}

func TestKeys(t *testing.T) {
	names := []string{"", "a", "b", "aa", "ab", string(bytes.Repeat([]byte{'z'}, maxName))}
	var keys [][]byte
	for _, name := range names {
		for _, seq := range []uint64{0, 2, 255, 256, math.MaxUint64} {
			keys = append(keys, messageKey(nil, name, seq))
		}
	}
	if !slices.IsSortedFunc(keys, bytes.Compare) {
		t.Error("messages are not sorted by conversation and seq")
	}
	for _, test := range []struct{ prefix, want []byte }{
		{[]byte{1, 2}, []byte{1, 3}}, {[]byte{1, 255}, []byte{2}}, {[]byte{'k', 255, 255}, []byte{'l'}},
	} {
		if got := after(test.prefix); !bytes.Equal(got, test.want) {
			t.Errorf("after(%v) = %v; want %v", test.prefix, got, test.want)
		}
	}
}
