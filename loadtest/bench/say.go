package main

import (
	"strconv"
	"time"

	"throng/loadtest"
)

// sayAll has users of version 2 say direct messages, each as many, and waits for the acks and for what both sides get of each
// message. With a rate they are sent on time, by one user after the other. Without, each user has some under way: for the acks that come
// in one read it says as many more, in one frame.
func (c *crowd) sayAll(j job) (d done, err error) {
	acks, directs := c.acks.Load()+int64(j.Count), c.directs.Load()+2*int64(j.Count)
	c.partners.Store(int64(j.Partners))
	c.repeat.Store(int64(j.Repeat))
	if j.Rate > 0 {
		err = c.sayOnTime(j)
	} else {
		c.sayAtOnce(j)
	}
	if err != nil {
		return d, err
	}
	if d.at, err = c.until(j, "acks", func() int64 { return acks - c.acks.Load() }); err != nil {
		return d, err
	}
	d.count = j.Count
	_, err = c.until(j, "direct messages", func() int64 { return directs - c.directs.Load() })
	return d, err
}

func (c *crowd) sayOnTime(j job) error {
	next, text := 0, []byte(nil)
	return c.pace(j, func(due int64) error {
		text = c.appendSay(text[:0], next, due)
		err := c.users[next].Send(text)
		next = (next + 1) % len(c.users)
		return err
	})
}

func (c *crowd) sayAtOnce(j job) {
	each := j.Count / len(c.users)
	c.clock.reset(loadtest.Now(), int(j.Timeout/time.Second))
	for i, u := range c.users {
		c.each[i].quota.Store(c.each[i].said.Load() + int64(each))
		c.say(u, min(j.Flight, each))
	}
}

// say has a user say so many direct messages, in one frame.
func (c *crowd) say(u *loadtest.User, count int) {
	var text []byte
	for range count {
		text = append(c.appendSay(text, u.ID, loadtest.Now()), '\n')
	}
	if err := u.Send(text); err != nil {
		c.complain(err)
	}
}

// appendSay appends a user's next direct message. Its id is the time at which it was meant to be sent.
func (c *crowd) appendSay(dst []byte, from int, due int64) []byte {
	said := int(c.each[from].said.Add(1))
	to := from ^ 1
	if partners := int(c.partners.Load()); partners > 0 {
		to = (from + 1 + (said-1)/int(c.repeat.Load())%partners) % len(c.users)
	}
	return appendSay(dst, due, said, c.nick(to), "")
}

// appendSay appends a msg that is as long as all messages. Without a nick it is to everyone.
func appendSay(dst []byte, id int64, cid int, to, text string) []byte {
	begin := len(dst)
	dst = strconv.AppendInt(append(dst, `{"t":"msg","id":`...), id, 10)
	dst = strconv.AppendInt(append(dst, `,"cid":"`...), int64(cid), 10)
	if to != "" {
		dst = append(append(dst, `","to_user":"`...), to...)
	}
	dst = append(append(dst, `","message":"`...), text...)
	for len(dst)-begin < payloadSize-2 {
		dst = append(dst, 'x')
	}
	return append(dst, `"}`...)
}
