package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"throng/loadtest"
	"throng/loadtest/process"
)

// job is one task for a client process.
type job struct {
	Do       string // connect, broadcast, burst, direct; of version 2: say, read, recover
	Addr     string // connect: the server's HOST:PORT
	Servers  []int  // the server's processes, whose CPU time is read
	Users    int    // connect, recover: how many
	First    int    // connect: number of the first, for its nick
	AtOnce   int    // connect: how many at a time; 0: 64
	Stamps   bool   // connect: latency will be measured
	TLS      bool   // connect: over TLS, whatever the certificate
	V2       bool   // connect: they speak version 2
	Eager    bool   // connect: the client reads at once what comes, instead of resting between two turns
	Count    int    // messages to send, or pages to read
	Rate     int    // a second, open loop; 0 sends all at once
	Flight   int    // say without a rate: how many messages a user has under way
	Partners int    // say: to how many others a user speaks; 0: to its neighbour
	Repeat   int    // say to partners: how many messages in a row go to one of them
	Lossy    bool   // burst: what does not come and who is disconnected is a result and no error
	Timeout  time.Duration
}

// result is what a job found.
type result struct {
	Error   string
	Count   int           // what has been done: deliveries, acks, pages, or connections
	Missing int           // deliveries that have not come
	Twice   int           // deliveries that have come again
	Gone    int           // users whose connection the server has ended
	Elapsed time.Duration // from the first intended send to the last arrival
	Server  time.Duration // CPU time of the server
	Client  time.Duration // CPU time of this client
	Others  float64       // what part of the processors all other programs had meanwhile
	All     latency       // over all deliveries
	First   latency       // of what was sent in the first second
	Last    latency       // of what was sent in the last second
}

// serverEach is the server's CPU time for one of what was counted.
func (r result) serverEach() float64 { return each(r.Server, r.Count) }

// clientEach is the same of the client.
func (r result) clientEach() float64 { return each(r.Client, r.Count) }

// each divides a time, in microseconds.
func each(d time.Duration, n int) float64 { return float64(d.Nanoseconds()) / 1e3 / float64(n) }

// client is a client process as its parent sees it. Jobs are done one at a time.
type client struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	jobs    *json.Encoder
	results *json.Decoder
}

// startClient runs this program once more, as a client.
func startClient(ctx context.Context) (*client, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := process.Command(ctx, self, "client")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &client{cmd: cmd, in: in, jobs: json.NewEncoder(in), results: json.NewDecoder(out)}, nil
}

// do gives the process a job and waits for its result.
func (c *client) do(j job) (result, error) {
	var r result
	if err := c.jobs.Encode(j); err != nil {
		return r, fmt.Errorf("the client has ended: %w", err)
	}
	if err := c.results.Decode(&r); err != nil {
		return r, fmt.Errorf("the client has ended: %w", err)
	}
	if r.Error != "" {
		return r, errors.New(r.Error)
	}
	return r, nil
}

// stop ends the process, and with it all its sockets.
func (c *client) stop() {
	_ = c.in.Close()
	_ = c.cmd.Wait()
}

// crowd is the client process itself: its users and what they have seen.
type crowd struct {
	swarm *loadtest.Swarm
	users []*loadtest.User
	first int          // number of the first
	gone  atomic.Int64 // connections that ended by themselves
	clock recorder
	speakers
}

// done is what has become of a job.
type done struct {
	count   int       // of what was done
	missing int       // deliveries that have not come
	twice   int       // deliveries that have come again
	dropped int       // users whose connection has ended and who have come back
	begin   time.Time // zero: when the job began
	at      time.Time // of the last arrival
}

// runClient does jobs until the input ends.
func runClient(in io.Reader, out io.Writer) error {
	c := &crowd{}
	defer func() {
		if c.swarm != nil {
			c.swarm.Close()
		}
	}()
	jobs, results := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var j job
		if err := jobs.Decode(&j); err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
		r, err := c.measured(j)
		if err != nil {
			r.Error = err.Error()
		}
		if err := results.Encode(r); err != nil {
			return err
		}
	}
}

// measured does a job and reads both CPU clocks around it.
func (c *crowd) measured(j job) (r result, err error) {
	do := map[string]func(job) (done, error){
		"connect": c.connect, "broadcast": c.broadcast, "burst": c.burst, "direct": c.direct,
		"say": c.sayAll, "read": c.readPages, "recover": c.comeBack,
	}[j.Do]
	gone := c.gone.Load()
	before, err := readClocks(j.Servers)
	if err != nil {
		return r, err
	}
	begin := time.Now()
	d, err := do(j)
	if err != nil {
		return r, err
	}
	r.Count, r.Missing, r.Twice, r.Elapsed = d.count, d.missing, d.twice, d.at.Sub(begin)
	if !d.begin.IsZero() {
		r.Elapsed = d.at.Sub(d.begin)
	}
	r.Gone = int(c.gone.Load()-gone) + d.dropped
	after, err := quiet(j.Servers)
	r.Server, r.Client = after.server-before.server, after.client-before.client
	others := after.machine - before.machine - r.Server - r.Client
	r.Others = min(max(others.Seconds()/time.Since(begin).Seconds()/float64(runtime.NumCPU()), 0), 1)
	r.All, r.First, r.Last = c.clock.summary()
	return r, err
}

// clocks are CPU times since some beginning.
type clocks struct{ server, client, machine time.Duration }

// readClocks reads the CPU time of a server's processes, of this process and of all processes.
func readClocks(servers []int) (t clocks, err error) {
	for _, pid := range servers {
		used, err := process.CPUTime(pid)
		if err != nil {
			return t, err
		}
		t.server += used
	}
	if t.client, err = process.CPUTime(os.Getpid()); err != nil {
		return t, err
	}
	t.machine, err = process.MachineTime()
	return t, err
}

// quiet reads the clocks once the server has nothing more to do than a twentieth of a processor's
// housekeeping in each process: it may still be at what it owes to work that the client has seen done.
func quiet(servers []int) (t clocks, err error) {
	rest := time.Duration(len(servers)) * time.Millisecond
	for range 500 {
		last := t
		if t, err = readClocks(servers); err != nil || t.server-last.server < rest {
			return t, err
		}
		time.Sleep(20 * time.Millisecond)
	}
	return t, errors.New("the server does not come to rest")
}

// nick names a user; its length is the same for all, and so is that of their messages.
func nick(id int) string { return fmt.Sprintf("u%05d", id) }

func (c *crowd) nick(id int) string { return nick(c.first + id) }

// connect opens all connections. In version 2 they are open once they have been welcomed.
func (c *crowd) connect(j job) (done, error) {
	conf := loadtest.Config{
		Addr: j.Addr, Rest: time.Millisecond,
		OnClose: c.ended,
	}
	switch {
	case j.V2:
		conf.OnMessage, conf.Subprotocols = c.heard, []string{subprotocol}
		c.each, c.again = make([]speaker, j.Users), make(chan int, j.Users)
	case j.Stamps:
		conf.OnMessage = c.clock.message
	}
	if j.TLS {
		conf.TLS = &loadtest.TLS{Insecure: true}
	}
	if j.Eager {
		conf.Rest = 0
	}
	swarm, err := loadtest.New(conf)
	if err != nil {
		return done{}, err
	}
	c.swarm, c.users, c.first = swarm, make([]*loadtest.User, j.Users), j.First
	d := done{count: j.Users}
	d.at, err = c.open(j, j.Users, cmp.Or(j.AtOnce, 64))
	return d, err
}

// open opens the connections of the first users, so many at a time, and returns when the last was open.
func (c *crowd) open(j job, users, atOnce int) (time.Time, error) {
	welcomes := c.welcomes.Load() + int64(users)
	ctx, cancel := context.WithTimeoutCause(context.Background(), j.Timeout, errors.New("connecting takes too long"))
	defer cancel()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var (
		next    atomic.Int64
		workers sync.WaitGroup
	)
	for range atOnce {
		workers.Go(func() {
			for id := int(next.Add(1)) - 1; id < users && ctx.Err() == nil; id = int(next.Add(1)) - 1 {
				if err := c.enter(ctx, id); err != nil {
					fail(fmt.Errorf("user %d: %w", id, err))
					return
				}
			}
		})
	}
	workers.Wait()
	if complaint := c.complaint.Load(); complaint != nil {
		return time.Now(), *complaint // it may be why
	}
	if err := context.Cause(ctx); err != nil || c.each == nil {
		return time.Now(), err
	}
	return c.until(j, "welcomes", func() int64 { return welcomes - c.welcomes.Load() })
}

// enter opens a user's connection, and says hello in version 2.
func (c *crowd) enter(ctx context.Context, id int) error {
	u, err := c.swarm.Connect(ctx, id, "/conn/ws/"+c.nick(id))
	if err != nil {
		return err
	}
	c.users[id] = u
	if c.each == nil {
		return nil
	}
	if err := c.hello(u); !errors.Is(err, loadtest.ErrClosed) {
		return err
	}
	return nil // ended takes care of it
}

// ended takes note of a connection that has ended; it is a callback of the swarm.
func (c *crowd) ended(u *loadtest.User, err error) {
	if _, ok := errors.AsType[*loadtest.CloseError](err); ok && c.each != nil {
		c.complain(fmt.Errorf("user %d: %w", u.ID, err))
	}
	if c.returning.Load() {
		c.again <- u.ID
		return
	}
	c.gone.Add(1)
}

// await waits until the swarm has received so many messages in all, of which a job owes some. A lossy
// job is also over when nothing has come for two seconds.
func (c *crowd) await(j job, target uint64, owed int) (done, error) {
	last, at := uint64(0), time.Now()
	for begin := at; ; time.Sleep(time.Millisecond) {
		now := c.swarm.Received()
		if now != last {
			last, at = now, time.Now()
		}
		missing := int(target - min(now, target))
		switch {
		case missing == 0, j.Lossy && time.Since(at) > 2*time.Second:
			return done{count: owed - missing, missing: missing, at: at}, nil
		case time.Since(begin) > j.Timeout:
			return done{}, fmt.Errorf("%d of %d messages have not come within %v", missing, owed, j.Timeout)
		}
		if n := c.gone.Load(); n > 0 && !j.Lossy {
			return done{}, fmt.Errorf("%d connections have ended", n)
		}
	}
}
