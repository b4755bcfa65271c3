package main

import (
	"context"
	"fmt"
	"math/rand/v2"
)

const (
	// pageSize is how many messages a page of history has that is read here: as many as there can be.
	pageSize = 100
	// readRate is how many pages are read a second.
	readRate = 200
)

// history measures the reading of pages at random places of long conversations, alone and while others write 20,000 messages
// a second. Whoever reads is a client of its own, which does not rest between two turns.
func (b *bench) history(ctx context.Context) error {
	users, readers, rate := 1_000/b.scale, max(50/b.scale/2*2, 2), 20_000/b.scale
	writing, err := b.durable(ctx, false)
	if err != nil {
		return err
	}
	defer writing.close()
	reading, err := writing.another(ctx)
	if err != nil {
		return err
	}
	defer reading.client.stop()
	for _, t := range []turn{
		{reading, job{Do: "connect", Users: readers, First: users, V2: true, Eager: true}},
		{reading, job{Do: "say", Count: 4_000 * readers, Flight: 8}},
		{writing, job{Do: "connect", Users: users, V2: true}},
	} {
		if _, err := t.side.do(t.job); err != nil {
			return err
		}
	}
	read := job{Do: "read", Count: readRate * b.seconds, Rate: readRate}
	write := job{Do: "say", Count: (b.seconds + 1) * rate, Rate: rate}
	var alone, beside []result
	for round := range b.rounds {
		r, err := reading.do(read)
		if err != nil {
			return err
		}
		alone = append(alone, r)
		finish := func() error { return nil }
		if round == 0 {
			finish = b.profile(writing, read)
		}
		if r, err = b.both(turn{reading, read}, turn{writing, write}); err == nil {
			err = finish()
		}
		if err != nil {
			return err
		}
		beside = append(beside, r)
	}
	name := "History, pages of " + number(pageSize) + " while " + number(rate) + " messages a second are written: "
	b.table.add(
		row{
			what: name + "p50", unit: "ms", against: "nothing is written",
			ours: of(beside, p50), reference: of(alone, p50),
		},
		row{
			what: name + "p99", unit: "ms", against: "nothing is written",
			ours: of(beside, p99), reference: of(alone, p99), limit: atMost(5),
		},
		row{what: name + "max", unit: "ms", ours: of(beside, worst)},
	)
	return nil
}

// both does two jobs at once and returns the result of the first; the other takes longer.
func (b *bench) both(first, other turn) (r result, err error) {
	done := make(chan error, 1)
	go func() {
		o, err := other.side.do(other.job)
		b.table.others = append(b.table.others, o.Others)
		done <- err
	}()
	r, err = first.side.do(first.job)
	if failed := <-done; err == nil {
		err = failed
	}
	return r, err
}

// readPages reads pages of users' conversations with their neighbours at a steady rate. The pages are full: all but the first
// tenth of a conversation may be where one ends.
func (c *crowd) readPages(j job) (d done, err error) {
	pages := c.pages.Load() + int64(j.Count)
	err = c.pace(j, func(due int64) error {
		from := rand.IntN(len(c.users))
		s := &c.each[from]
		long := s.last - s.first
		before := s.last - rand.Uint64N(long-long/10)
		return c.users[from].Send(fmt.Appendf(nil, `{"t":"history","id":%d,"conv":"dm:%s","before":%d,"limit":%d}`,
			due, c.nick(from^1), before, pageSize))
	})
	if err != nil {
		return d, err
	}
	d.count = j.Count
	d.at, err = c.until(j, "pages", func() int64 { return pages - c.pages.Load() })
	return d, err
}
