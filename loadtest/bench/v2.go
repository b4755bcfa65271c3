package main

import (
	"bytes"
	"fmt"
	"sync/atomic"
	"time"

	"throng/loadtest"
)

// subprotocol is that of version 2.
const subprotocol = "throng.v2.json"

// speaker is what the client knows of a user of version 2. What has no lock is the swarm's loop's; others look at it while
// nothing comes for the user.
type speaker struct {
	resume      string // with which it comes back
	first, last uint64 // seqs of its own messages that were acknowledged
	seen        uint64 // seq of the last message to everyone
	next        int64  // number of the next message to everyone
	said        atomic.Int64
	quota       atomic.Int64 // an ack has it go on until it has said so many
}

// speakers is all users of version 2, what has come for them since the beginning, and what they are to do. It has one loop.
type speakers struct {
	each     []speaker
	epoch    atomic.Pointer[string]
	welcomes atomic.Int64
	acks     atomic.Int64
	directs  atomic.Int64 // direct messages, which come to both sides
	pages    atomic.Int64 // of history
	lost     atomic.Int64 // messages to everyone that somebody did not get
	twice    atomic.Int64 // and those that came again, or too late
	final    atomic.Int64 // number of the last message to everyone that is said in this job
	complete atomic.Int64 // users who got it

	returning atomic.Bool  // whoever is dropped comes back
	again     chan int     // users who were dropped; has room for all
	dropped   int          // how many have come back so
	partners  atomic.Int64 // to how many others a user speaks; 0: to its neighbour
	repeat    atomic.Int64 // how many messages in a row go to one of them
	complaint atomic.Pointer[error]
}

// hello tells the server who has come, with a position if it was there before.
func (c *crowd) hello(u *loadtest.User) error {
	s := &c.each[u.ID]
	if s.resume == "" {
		return u.Send([]byte(`{"t":"hello","id":1}`))
	}
	return u.Send(fmt.Appendf(nil, `{"t":"hello","id":1,"resume":%q,"pos":{"room:all":[%q,%d]}}`,
		s.resume, *c.epoch.Load(), s.seen))
}

// until waits until nothing is missing any more, and returns when that was.
func (c *crowd) until(j job, what string, missing func() int64) (time.Time, error) {
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		if err := c.comeAgain(j); err != nil {
			return time.Time{}, err
		}
		left := missing()
		switch complaint := c.complaint.Load(); {
		case complaint != nil:
			return time.Time{}, *complaint
		case left <= 0:
			return time.Now(), nil
		case c.gone.Load() > 0:
			return time.Time{}, fmt.Errorf("%d connections have ended", c.gone.Load())
		case time.Since(begin) > j.Timeout:
			return time.Time{}, fmt.Errorf("%d %s have not come within %v", left, what, j.Timeout)
		}
	}
}

// complain ends the job with an error, if there is none yet.
func (c *crowd) complain(err error) { c.complaint.CompareAndSwap(nil, &err) }

var newline = []byte("\n")

// heard takes what has come for a user of version 2; it is a callback of the swarm.
func (c *crowd) heard(u *loadtest.User, at int64, payload []byte) {
	acks := int64(0)
	for object := range bytes.SplitSeq(payload, newline) {
		switch string(kind(object)) {
		case "ack":
			acks++
			c.acked(u, at, object)
		case "msg":
			c.told(u, object)
		case "history":
			c.paged(at, object)
		case "welcome":
			c.welcomed(u, object)
		case "presence", "recv", "read":
		default:
			c.complain(fmt.Errorf("user %d was told %s", u.ID, object))
		}
	}
	if acks == 0 {
		return
	}
	c.acks.Add(acks)
	s := &c.each[u.ID]
	if more := min(acks, s.quota.Load()-s.said.Load()); more > 0 {
		c.say(u, int(more))
	}
}

// kind is the type of an object, which the server writes first.
func kind(object []byte) []byte {
	rest, ok := bytes.CutPrefix(object, []byte(`{"t":"`))
	end := bytes.IndexByte(rest, '"')
	if !ok || end < 0 {
		return nil
	}
	return rest[:end]
}

// integer is the number behind a key, 0 without. No text of a message holds a key.
func integer(object []byte, key string) (n uint64) {
	at := bytes.Index(object, []byte(key))
	if at < 0 {
		return 0
	}
	for _, c := range object[at+len(key):] {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + uint64(c-'0')
	}
	return n
}

// word is the text behind a key.
func word(object []byte, key string) string {
	_, rest, _ := bytes.Cut(object, []byte(key+`"`))
	text, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(text)
}

func (c *crowd) welcomed(u *loadtest.User, object []byte) {
	s := &c.each[u.ID]
	if s.resume != "" && !bytes.Contains(object, []byte(`"recovered":{"room:all":true}`)) {
		c.complain(fmt.Errorf("user %d was not brought up to date: %s", u.ID, object))
	}
	s.resume = word(object, `"resume":`)
	epoch := word(object, `"epoch":`)
	c.epoch.Store(&epoch)
	c.welcomes.Add(1)
}

func (c *crowd) acked(u *loadtest.User, at int64, object []byte) {
	c.clock.add(int64(integer(object, `"id":`)), at)
	s := &c.each[u.ID]
	s.last = integer(object, `"seq":`)
	if s.first == 0 {
		s.first = s.last
	}
}

// told checks that messages to everyone, which are numbered, come once each and in order.
func (c *crowd) told(u *loadtest.User, object []byte) {
	number, ok := stamp(object)
	if !ok {
		c.directs.Add(1)
		return
	}
	s := &c.each[u.ID]
	if number < s.next {
		c.twice.Add(1)
		return
	}
	c.lost.Add(number - s.next)
	s.next, s.seen = number+1, integer(object, `"seq":`)
	if number == c.final.Load() {
		c.complete.Add(1)
	}
}

func (c *crowd) paged(at int64, object []byte) {
	c.clock.add(int64(integer(object, `"id":`)), at)
	if n := bytes.Count(object, []byte(`"mid":`)); n != pageSize {
		c.complain(fmt.Errorf("a page of history has %d messages instead of %d", n, pageSize))
	}
	c.pages.Add(1)
}
