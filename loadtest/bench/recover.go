package main

import (
	"context"
	"fmt"
	"time"
)

// missable is how many messages are said to everyone while everybody is cut off and comes back.
const missable = 100

// comeback measures how 10,000 clients of version 2 come back that were cut off at once in the middle of 100 messages to
// everyone: until all are welcome and have all that was said. The reference is as many clients that connect to a server of bare
// system calls.
func (b *bench) comeback(ctx context.Context) error {
	users := 10_000 / b.scale
	ours, err := b.durable(ctx, false)
	if err != nil {
		return err
	}
	defer ours.close()
	if _, err := ours.do(job{Do: "connect", Users: users + 1, V2: true}); err != nil {
		return err
	}
	j := job{Do: "recover", Users: users, Count: missable, Rate: 100}
	var back, bare []result
	for round := range b.rounds {
		finish := func() error { return nil }
		if round == 0 {
			finish = b.profile(ours, j)
		}
		r, err := ours.do(j)
		if err == nil {
			err = finish()
		}
		if err != nil {
			return err
		}
		back = append(back, r)
		b.table.others = append(b.table.others, r.Others)
		if r, err = b.bareConnect(ctx, users); err != nil {
			return err
		}
		bare = append(bare, r)
	}
	name := "Recovery, " + number(users) + " clients cut off at once while " + number(missable) + " messages are said to everyone: "
	b.table.add(
		row{
			what: name + "until all have all", unit: "s", against: "bare accept, read, write, epoll_ctl",
			ours: of(back, seconds), reference: of(bare, seconds), limit: atMost(5),
		},
		row{what: name + "messages lost, in all rounds", ours: sum(of(back, missing)), limit: atMost(0)},
		row{what: name + "messages that came twice, in all rounds", ours: sum(of(back, again)), limit: atMost(0)},
		row{what: name + "connections dropped again, in all rounds", ours: sum(of(back, gone)), limit: atMost(0)},
	)
	return nil
}

func seconds(r result) float64 { return r.Elapsed.Seconds() }
func missing(r result) float64 { return float64(r.Missing) }
func again(r result) float64   { return float64(r.Twice) }
func gone(r result) float64    { return float64(r.Gone) }

// sum has one value for all rounds, where none may be bad.
func sum(v []float64) []float64 {
	total := 0.0
	for _, x := range v {
		total += x
	}
	return []float64{total}
}

// bareConnect connects as many users to a stand-in.
func (b *bench) bareConnect(ctx context.Context, users int) (result, error) {
	s, err := b.standIn(ctx, "write", 1)
	if err != nil {
		return result{}, err
	}
	defer s.close()
	return s.do(job{Do: "connect", Users: users, AtOnce: atOnce})
}

// atOnce is how many connections are being opened at a time when all come back.
const atOnce = 1_000

// comeBack has the last user speak to everyone, cuts all others off when a fifth is said, and has them come back at once. The
// time counts from the first that comes back. Who is dropped comes back again.
func (c *crowd) comeBack(j job) (d done, err error) {
	lost, twice, dropped := c.lost.Load(), c.twice.Load(), c.dropped
	number := c.each[j.Users].next
	middle := number + int64(j.Count)/5
	c.expect(number + int64(j.Count) - 1)
	cut, spoken := make(chan struct{}), make(chan error, 1)
	go func() {
		spoken <- c.pace(j, func(int64) error {
			if number == middle {
				close(cut)
			}
			number++
			return c.sayToAll(j, number-1)
		})
	}()
	select {
	case <-cut:
	case err := <-spoken:
		return d, err
	}
	if err := c.cut(j); err != nil {
		return d, err
	}
	c.returning.Store(true)
	defer c.returning.Store(false)
	d.begin = time.Now()
	if _, err := c.open(j, j.Users, atOnce); err != nil {
		return d, err
	}
	if d.at, err = c.have(j); err != nil {
		return d, err
	}
	if err := <-spoken; err != nil {
		return d, err
	}
	// Whatever came twice has come before one more.
	c.expect(number)
	if err := c.sayToAll(j, number); err != nil {
		return d, err
	}
	_, err = c.have(j)
	d.count, d.missing, d.twice = j.Users, int(c.lost.Load()-lost), int(c.twice.Load()-twice)
	d.dropped = c.dropped - dropped
	return d, err
}

// sayToAll says a numbered message to everyone. Its id is no time that is measured.
func (c *crowd) sayToAll(j job, number int64) error {
	return c.users[j.Users].Send(appendSay(nil, 0, int(number)+1, "", fmt.Sprintf("@%d ", number)))
}

// expect begins to count who has got a message to everyone, and have waits until all have.
func (c *crowd) expect(number int64) {
	c.final.Store(number)
	c.complete.Store(0)
}

func (c *crowd) have(j job) (time.Time, error) {
	return c.until(j, "users", func() int64 { return int64(len(c.users)) - c.complete.Load() })
}

// comeAgain has those connect once more who were dropped since they came back.
func (c *crowd) comeAgain(j job) error {
	ctx, cancel := context.WithTimeout(context.Background(), j.Timeout)
	defer cancel()
	for {
		select {
		case id := <-c.again:
			c.dropped++
			if err := c.enter(ctx, id); err != nil {
				return fmt.Errorf("user %d, once more: %w", id, err)
			}
		default:
			return nil
		}
	}
}

// cut cuts the first users off and waits until nothing can come for them any more.
func (c *crowd) cut(j job) error {
	for _, u := range c.users[:j.Users] {
		u.Cut()
	}
	for begin := time.Now(); c.gone.Load() < int64(j.Users); time.Sleep(time.Millisecond) {
		if time.Since(begin) > j.Timeout {
			return fmt.Errorf("%d of %d connections have ended", c.gone.Load(), j.Users)
		}
	}
	c.gone.Add(int64(-j.Users))
	return nil
}
