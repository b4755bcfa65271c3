package room

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"throng/room/history"
)

// talk has somebody say numbers, and returns their seqs.
func (u *user) talk(to string, first, last int) (seqs []uint64) {
	u.t.Helper()
	for i := first; i <= last; i++ {
		u.send(`{"t":"msg","id":"n"%s,"message":%d}`, to, i)
		for _, o := range u.news() {
			if o.T == "ack" {
				seqs = append(seqs, o.Seq)
			}
		}
	}
	if len(seqs) != last-first+1 {
		u.t.Fatalf("%d messages are acknowledged, want %d", len(seqs), last-first+1)
	}
	return seqs
}

// logs are those that a conversation may be in.
func logs(t *testing.T) map[string]history.Log {
	durable, err := history.Open(t.TempDir(), history.Config{Durability: history.DurabilityOS})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = durable.Close() })
	return map[string]history.Log{"memory": history.Memory(history.Config{}), "on disk": durable}
}

// settled waits for what a frame leads to on a hub that is in no bubble: its answer, by id.
func settled(t *testing.T, p *fakePeer, id string) object {
	t.Helper()
	var answer object
	eventually(t, "the answer "+id, func() bool {
		p.Flush()
		for _, o := range objects(t, p.messages()) {
			if string(o.ID) == id {
				answer = o
				return true
			}
		}
		return false
	})
	return answer
}

// Every page of a conversation, both ways, from a log of each kind.
func TestHistoryPages(t *testing.T) {
	const n = 23
	for name, log := range logs(t) {
		t.Run(name, func(t *testing.T) {
			h := newHub(t, Config{Log: log})
			p := &fakePeer{}
			s := joinV2(t, h, "alice", p)
			seqs := []uint64{0}
			for i := range n {
				s.Message(false, fmt.Appendf(nil, `{"t":"msg","id":%d,"cid":"c%d","message":%d}`, i, i, i))
				seqs = append(seqs, settled(t, p, fmt.Sprint(i)).Seq)
			}
			asked := 1000
			page := func(from string) object {
				asked++
				s.Message(false, fmt.Appendf(nil, `{"t":"history","id":%d,"conv":"room:all"%s}`, asked, from))
				return settled(t, p, fmt.Sprint(asked))
			}
			for _, limit := range []int{1, 7, 23, 24} {
				var back, forth []object
				for before := uint64(0); ; {
					o := page(fmt.Sprintf(`,"before":%d,"limit":%d`, before, limit))
					back = append(slices.Clone(o.Msgs), back...)
					if !o.More {
						break
					}
					if len(o.Msgs) != limit {
						t.Fatalf("a page of %d, want %d", len(o.Msgs), limit)
					}
					before = o.Msgs[0].Seq
				}
				for after := uint64(0); ; {
					o := page(fmt.Sprintf(`,"after":%d,"limit":%d`, after, limit))
					forth = append(forth, o.Msgs...)
					if !o.More {
						break
					}
					after = o.Msgs[len(o.Msgs)-1].Seq
				}
				for i, way := range [][]object{back, forth} {
					if len(way) != n {
						t.Fatalf("way %d has %d messages, want %d", i, len(way), n)
					}
					for j, m := range way {
						if m.Seq != seqs[j+1] || m.Prev != seqs[j] || string(m.Message) != fmt.Sprint(j) || m.Cid != fmt.Sprintf("c%d", j) {
							t.Fatalf("way %d, message %d: %+v", i, j, m)
						}
					}
				}
			}
			if o := page(fmt.Sprintf(`,"after":%d`, seqs[n])); len(o.Msgs) > 0 || o.More {
				t.Fatalf("behind the last: %v", o)
			}
			if o := page(fmt.Sprintf(`,"before":%d`, seqs[1])); len(o.Msgs) > 0 || o.More {
				t.Fatalf("in front of the first: %v", o)
			}
		})
	}
}

// A cid is its sender's: others do not see it in the history.
func TestHistoryHidesOthersCids(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		alice.send(`{"t":"msg","cid":"secret","to_user":"bob","message":1}` + "\n" + `{"t":"msg","cid":"secret2","message":1}`)
		bob.news()
		alice.news()
		for u, want := range map[*user][2]string{alice: {"secret", "secret2"}, bob: {}} {
			other := map[*user]string{alice: "bob", bob: "alice"}[u]
			u.send(`{"t":"history","id":1,"conv":"dm:%s"}`+"\n"+`{"t":"history","id":2,"conv":"room:all"}`, other)
			got := u.sees("history 1 dm:"+other+" [1] false", "history 2 room:all [1] false")
			if got[0].Msgs[0].Cid != want[0] || got[1].Msgs[0].Cid != want[1] {
				t.Errorf("%s sees the cids %q and %q", u.nick.Name, got[0].Msgs[0].Cid, got[1].Msgs[0].Cid)
			}
			if m := got[0].Msgs[0]; m.Conv != "dm:"+other || m.ToUser != "bob" {
				t.Errorf("%s sees %+v", u.nick.Name, m)
			}
		}
	})
}

// A page is cut at its far end when it becomes too large, says so, and never has nothing.
func TestHistoryIsCutByBytes(t *testing.T) {
	big := strings.Repeat("x", pageSize/3)
	for _, x := range []struct {
		name string
		body string
		back int // on the first page
	}{{"three do not fit", big, 2}, {"one does not fit", strings.Repeat(big, 4), 1}} {
		t.Run(x.name, func(t *testing.T) {
			inBubble(t, Config{Log: history.Memory(history.Config{KeepBytes: -1})}, func(t *testing.T, c *bubble) {
				alice := c.in("alice")
				var seqs []uint64
				for range 5 {
					alice.send(`{"t":"msg","id":1,"message":%q}`, x.body)
					for _, o := range alice.news() {
						if o.T == "ack" {
							seqs = append(seqs, o.Seq)
						}
					}
				}
				for _, from := range []string{"", fmt.Sprintf(`,"after":%d`, seqs[0]), `,"after":0`} {
					alice.send(`{"t":"history","id":1,"conv":"room:all"%s}`, from)
					page := alice.news()[0]
					want := seqs[len(seqs)-x.back:]
					switch {
					case strings.HasSuffix(from, ":0"):
						want = seqs[:x.back]
					case from != "":
						want = seqs[1 : 1+x.back]
					}
					var got []uint64
					for _, m := range page.Msgs {
						got = append(got, m.Seq)
					}
					if !slices.Equal(got, want) || !page.More {
						t.Fatalf("from %q: %v, more %v, want %v and more", from, got, page.More, want)
					}
				}
			})
		})
	}
}

// A log that cannot be read is told, and is not taken for an empty one.
func TestHistoryOfAClosedLog(t *testing.T) {
	log := history.Memory(history.Config{})
	inBubble(t, Config{Log: log}, func(_ *testing.T, c *bubble) {
		alice := c.in("alice")
		_ = log.Close()
		alice.send(`{"t":"history","id":1,"conv":"room:all"}`)
		alice.sees("err 1 503")
		alice.send(`{"t":"history","id":2,"conv":"dm:bob"}`)
		alice.sees("err 2 503")
	})
}
