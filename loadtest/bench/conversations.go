package main

import "context"

// conversations measures the memory that 100,000 conversations of three messages keep, each round with a fresh
// server, against as many messages of as many users in a few conversations. What the log keeps of the newest messages is
// bounded as a whole and no less in the latter; so the former shall cost no more.
func (b *bench) conversations(ctx context.Context) error {
	const each = 3
	// Each of an odd number of users speaks to half of the others, so that each pair has one conversation.
	users := 3
	for users*(users-1)/2 < 100_000/b.scale {
		users += 2
	}
	partners := (users - 1) / 2
	count := users * partners
	j := job{Do: "say", Count: count * each, Flight: 8, Partners: partners, Repeat: each}
	few := j
	few.Partners = 1
	var ours, reference []float64
	for range b.rounds {
		for _, t := range []struct {
			of *[]float64
			j  job
		}{{&ours, j}, {&reference, few}} {
			grown, err := b.grown(ctx, users, t.j)
			if err != nil {
				return err
			}
			*t.of = append(*t.of, float64(grown)/float64(count))
		}
	}
	b.table.add(row{
		what: number(count) + " conversations of " + number(each) + " messages: resident memory a conversation", unit: "B",
		against: "as many messages in " + number(users), ours: ours, reference: reference, limit: ratioAtMost(1),
	})
	return nil
}

// grown is by how many bytes a fresh server has grown when its users have said something.
func (b *bench) grown(ctx context.Context, users int, j job) (int, error) {
	s, err := b.durable(ctx, true)
	if err != nil {
		return 0, err
	}
	defer s.close()
	if _, err := s.do(job{Do: "connect", Users: users, V2: true}); err != nil {
		return 0, err
	}
	before, err := s.settle(ctx)
	if err != nil {
		return 0, err
	}
	r, err := s.do(j)
	if err != nil {
		return 0, err
	}
	b.table.others = append(b.table.others, r.Others)
	after, err := s.settle(ctx)
	return after - before, err
}
