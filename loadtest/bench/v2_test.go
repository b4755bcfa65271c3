package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"throng/loadtest"
)

// hear gives user 0 of a crowd frames, and returns the crowd.
func hear(t *testing.T, frames ...string) *crowd {
	t.Helper()
	c := &crowd{}
	c.each = make([]speaker, 2)
	c.final.Store(3)
	c.clock.reset(1_000, 1)
	for _, f := range frames {
		c.heard(&loadtest.User{ID: 0}, 5_000, []byte(f))
	}
	return c
}

// toEveryone is a numbered message as a server sends it.
func toEveryone(number int) string {
	return fmt.Sprintf(`{"t":"msg","from_user":"u","message":"@%d x","mid":"m","seq":%d,"prev":1,"conv":"room:all"}`, number, number+7)
}

// TestToEveryone is what is found out of messages that must come once each and in order.
func TestToEveryone(t *testing.T) {
	for _, c := range []struct {
		name                  string
		numbers               []int
		lost, twice, complete int64
	}{
		{"all", []int{0, 1, 2, 3}, 0, 0, 1},
		{"not yet", []int{0, 1, 2}, 0, 0, 0},
		{"one lost", []int{0, 2, 3}, 1, 0, 1},
		{"the first lost", []int{3}, 3, 0, 1},
		{"one twice", []int{0, 1, 1, 2, 3}, 0, 1, 1},
		{"the last twice", []int{0, 1, 2, 3, 3}, 0, 1, 1},
		{"in the wrong order", []int{0, 2, 1, 3}, 1, 1, 1},
	} {
		var objects []string
		for _, n := range c.numbers {
			objects = append(objects, toEveryone(n))
		}
		for _, frames := range [][]string{objects, {strings.Join(objects, "\n")}} {
			got := hear(t, frames...)
			if got.lost.Load() != c.lost || got.twice.Load() != c.twice || got.complete.Load() != c.complete {
				t.Errorf("%s: %d lost, %d twice, %d complete", c.name, got.lost.Load(), got.twice.Load(), got.complete.Load())
			}
			if seen := got.each[0].seen; seen != uint64(got.each[0].next+6) {
				t.Errorf("%s: the position is %d", c.name, seen)
			}
		}
	}
}

// TestHeard is what the client learns from a server.
func TestHeard(t *testing.T) {
	c := hear(t,
		`{"t":"welcome","id":1,"nick":"u","session":"s","resume":"secret","epoch":"e","online":2,"recovered":{}}`+"\n"+
			`{"t":"presence","conv":"room:all","count":2,"joined":["u"],"left":[]}`,
		`{"t":"ack","id":2000,"cid":"1","mid":"m","conv":"dm:v","seq":8,"ts":1,"dur":"fsync","online":true}`+"\n"+
			`{"t":"msg","from_user":"u","to_user":"v","message":"xx","mid":"m","seq":8,"prev":0,"conv":"dm:v","cid":"1"}`,
		`{"t":"ack","id":3000,"cid":"2","mid":"m","conv":"dm:v","seq":9,"ts":1,"dur":"fsync","online":true}`,
	)
	s := &c.each[0]
	if s.resume != "secret" || *c.epoch.Load() != "e" || s.first != 8 || s.last != 9 {
		t.Errorf("got %q, %q, %d, %d", s.resume, *c.epoch.Load(), s.first, s.last)
	}
	if c.welcomes.Load() != 1 || c.acks.Load() != 2 || c.directs.Load() != 1 || c.complaint.Load() != nil {
		t.Errorf("got %d welcomes, %d acks, %d messages, %v", c.welcomes.Load(), c.acks.Load(), c.directs.Load(), c.complaint.Load())
	}
	if all, _, _ := c.clock.summary(); all.Max != 3_000 {
		t.Errorf("the longest took %v", all.Max)
	}
}

// TestComplaints are what ends a job.
func TestComplaints(t *testing.T) {
	welcome := `{"t":"welcome","id":1,"resume":"secret","epoch":"e","recovered":{%s}}`
	for _, frames := range [][]string{
		{`{"t":"err","id":1,"code":503,"message":"busy"}`},
		{`{"t":"gap","conv":"room:all","from":1,"to":2}`},
		{`{"t":"bye","code":4001}`},
		{`{}`},
		{`{"t":"presence"}` + "\n"},
		{`{"t":"history","id":1,"conv":"dm:v","msgs":[{"t":"msg","mid":"m"}],"more":true}`},
		{fmt.Sprintf(welcome, ""), fmt.Sprintf(welcome, `"room:all":false`)},
	} {
		c := hear(t, frames...)
		if c.complaint.Load() == nil {
			t.Errorf("nothing is wrong with %s", frames)
			continue
		}
		if _, err := c.until(job{Timeout: time.Minute}, "things", func() int64 { return 0 }); err == nil {
			t.Errorf("%s ends no job", frames)
		}
	}
}

// TestSay is what is sent.
func TestSay(t *testing.T) {
	for _, to := range []string{"", "u00001"} {
		text := appendSay([]byte("x")[:0], 1764000000123456789, 7, to, "@12 ")
		var m struct {
			T, Cid, Message string
			ID              int64
			To              string `json:"to_user"`
		}
		err := json.Unmarshal(text, &m)
		if err != nil || m.T != "msg" || m.Cid != "7" || m.ID != 1764000000123456789 || m.To != to {
			t.Fatalf("%s: %+v, %v", text, m, err)
		}
		if n, ok := stamp(text); !ok || n != 12 || len(text) != payloadSize {
			t.Errorf("number %d, %v; %d bytes", n, ok, len(text))
		}
	}
}

// TestPartners has each pair of an odd number of users speak once, in one direction.
func TestPartners(t *testing.T) {
	const users, repeat = 7, 3
	c := &crowd{users: make([]*loadtest.User, users)}
	c.each = make([]speaker, users)
	c.partners.Store((users - 1) / 2)
	c.repeat.Store(repeat)
	said := map[string]int{}
	for from := range users {
		for range (users - 1) / 2 * repeat {
			to := word(c.appendSay(nil, from, 1), `"to_user":`)
			said[min(nick(from), to)+max(nick(from), to)]++
		}
	}
	if len(said) != users*(users-1)/2 {
		t.Errorf("%d conversations", len(said))
	}
	for pair, n := range said {
		if n != repeat {
			t.Errorf("%d messages in %s", n, pair)
		}
	}
}
