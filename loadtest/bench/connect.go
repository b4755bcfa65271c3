package main

import "context"

// connect measures 10,000 handshakes, 64 at a time, each round with a fresh server, against bare
// system calls and against net/http's hijack with nbio behind.
func (b *bench) connect(ctx context.Context) error {
	j := job{Do: "connect", Users: 10_000 / b.scale}
	begin := []func() (*side, error){
		func() (*side, error) { return b.ours(ctx, false) },
		func() (*side, error) { return b.standIn(ctx, "write", 1) },
		func() (*side, error) { return b.standIn(ctx, "nbio", 1) },
	}
	r := make([][]result, len(begin))
	for round := range b.rounds {
		for i, f := range begin {
			s, err := f()
			if err != nil {
				return err
			}
			finish := func() error { return nil }
			if round == 0 && i == 0 {
				finish = b.profile(s, j)
			}
			found, err := s.do(j)
			if err == nil {
				err = finish()
			}
			s.close()
			if err != nil {
				return err
			}
			r[i] = append(r[i], found)
			b.table.others = append(b.table.others, found.Others)
		}
	}
	name := "Connecting: CPU a connection"
	b.table.add(
		row{
			what: name, unit: "µs", against: "bare accept, read, write, epoll_ctl",
			ours: of(r[0], result.serverEach), reference: of(r[1], result.serverEach), limit: atMost(60),
		},
		row{
			what: name, unit: "µs", against: "net/http hijack, nbio",
			ours: of(r[0], result.serverEach), reference: of(r[2], result.serverEach),
		},
	)
	return nil
}
