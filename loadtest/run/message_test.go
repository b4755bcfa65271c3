package run

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"throng/loadtest"
	"throng/loadtest/ledger"
)

// said is a direct message of user 3 of run 7, with another end of the object than usual.
func said(end string) string {
	stamp := ledger.Stamp{Run: 7, Kind: ledger.Direct, Sender: 3, Number: 9, At: 5}
	return `{"t":"msg","from_user":"` + ledger.Nick(7, 3) + `","to_user":"x","message":"` + string(stamp.Append(nil, 0)) + `"` + end
}

// TestReadMessage reads messages as a server writes them, in any order of the keys, and refuses what is none.
func TestReadMessage(t *testing.T) {
	cases := []struct {
		end  string
		want string // seq, prev, conv and cid; empty: no message
	}{
		{`,"mid":"m","seq":12,"prev":10,"epoch":"e","ts":1,"conv":"dm:x"}`, `12 10 dm:x `},
		{`,"mid":"m","seq":12,"prev":0,"epoch":"e","ts":1,"conv":"dm:x","cid":"c"}`, `12 0 dm:x c`},
		{`,"conv":"room:all","cid":"seq","seq":1,"prev":2}`, `1 2 room:all seq`},
		{`,"conv":"dm:x","seq":18446744073709551615}`, `18446744073709551615 0 dm:x `},
		{`,"conv":"dm:x","seq":12`, ``},
		{`,"conv":"dm:x`, ``},
		{`,"conv":"dm:x","prev":1}`, ``},
		{`,"seq":1,"prev":0}`, ``},
		{`,"seq":1,"conv":"dm:x","odd":true}`, ``},
		{`,"seq":1,"conv":"dm:x"} `, ``},
		{`,"seq`, ``},
		{`,"seq"`, ``},
		{`,"seq":`, ``},
		{`,`, ``},
		{``, ``},
	}
	for _, c := range cases {
		m, ok := readMessage([]byte(said(c.end)))
		switch {
		case ok != (c.want != ""):
			t.Errorf("%s: %v", c.end, ok)
		case ok && fmt.Sprintf("%d %d %s %s", m.seq, m.prev, m.conv, m.cid) != c.want:
			t.Errorf("%s: %+v, want %s", c.end, m, c.want)
		case ok && (m.Err != nil || m.Forged || m.Stamp.Number != 9):
			t.Errorf("%s: %+v", c.end, m.Reading)
		}
	}
	if _, ok := readMessage([]byte(`{"t":"msg","message":"hello","seq":1,"conv":"dm:x"}`)); ok {
		t.Error("a message without a stamp")
	}
}

// TestShared checks that a broadcast is known again by all of its bytes and by nothing less, whatever becomes of the buffer
// that it came in.
func TestShared(t *testing.T) {
	var s shared
	var texts []string
	for number := range 200 {
		texts = append(texts, string(frameOf("v2", number+1)))
	}
	for _, text := range texts {
		buffer := []byte(text)
		if m := s.read(buffer); m == nil || m.Stamp.Number == 0 {
			t.Fatalf("%s is not read", text)
		}
		clear(buffer)
		m := s.find([]byte(text))
		if m == nil || string(m.conv) != "room:all" || m.seq != uint64(m.Stamp.Number) {
			t.Fatalf("%s is not known again: %+v", text, m)
		}
		if other := strings.Replace(text, "msg", "mSg", 1); s.find([]byte(other)) != nil {
			t.Fatalf("%s is taken for another", other)
		}
	}
	direct := []byte(said(`,"seq":12,"prev":10,"conv":"dm:x"}`))
	if s.read(direct) == nil || s.find(direct) != nil {
		t.Error("a direct message, which nobody else gets, is kept")
	}
	if s.find(nil) != nil || s.read([]byte("{}")) != nil {
		t.Error("nothing is found")
	}
}

// FuzzObject has a user hear anything: it takes it, or counts it as corrupted, and goes on.
func FuzzObject(f *testing.F) {
	good := string(frameOf("v2", 1))
	for _, frame := range []string{
		good, good + "\n" + good, said(`,"seq":12,"prev":10,"conv":"dm:` + ledger.Nick(7, 3) + `","cid":"c"}`),
		`{"t":"welcome","id":"hello","resume":"r","epoch":"e","recovered":{"room:all":true}}`,
		`{"t":"joined","id":"join","conv":"room:all","seq":3}`,
		`{"t":"history","id":"room:all","conv":"room:all","msgs":[` + good + `],"more":true}`,
		`{"t":"gap","conv":"room:all","from":2,"to":9}` + "\n" + good,
		`{"t":"ack","id":1,"cid":"00000007-0-0-0-1"}`,
		`{"t":"err","id":1,"code":503,"message":"m","retry":true,"retry_after_ms":5}`,
		`{"t":"err","id":"room:all","code":404,"message":"m","retry":false}`,
		`{"t":"bye","code":4001,"retry_after_ms":1830}`, `{"t":"presence"}`, `{"t":"`, `{`, "\n\n",
	} {
		f.Add([]byte(frame), true)
		f.Add([]byte(frame), false)
	}
	w := &worker{wire: newWire(nil, io.Discard), meter: newMeter()}
	p := Plan{Addrs: []string{"127.0.0.1:1"}, Users: 8, Scenario: "chat", Dialect: "v2", Talkers: 2}
	if err := w.prepare(&p.shares(1, 7, 0)[0]); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(w.close)
	gone := goneUser(f)
	f.Fuzz(func(t *testing.T, frame []byte, isIn bool) {
		u := w.user(gone.ID)
		u.mu.Lock()
		u.session = newSession(&w.share.Shape, gone.ID)
		u.session.isIn, u.session.since = isIn, 1
		u.mu.Unlock()
		w.utter(ledger.Broadcast, voice{w.share.Shape.Talker(0, 0), 0}, 0, 1)
		for range 2 {
			w.hearV2(gone, 10, frame)
		}
	})
}

// goneUser is user 0 after the end of its connection.
func goneUser(f *testing.F) *loadtest.User {
	ended := make(chan struct{})
	swarm, err := loadtest.New(loadtest.Config{
		Addr: refusing(f, 1, 503, ""), OnClose: func(*loadtest.User, error) { close(ended) },
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(swarm.Close)
	u, err := swarm.Connect(f.Context(), 0, "/")
	if err != nil {
		f.Fatal(err)
	}
	u.Cut()
	<-ended
	return u
}
