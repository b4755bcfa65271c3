package room

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// What one asks for that has to do with rooms, having joined "Go", and the answer.
func TestRoomRights(t *testing.T) {
	long := strings.Repeat("a", 65)
	for _, x := range []struct{ name, frame, want string }{
		{"join", `{"t":"join","id":1,"room":"rust"}`, `joined 1 room:rust 1 false`},
		{"join without id", `{"t":"join","room":"rust"}`, ``},
		{"join again, in another spelling", `{"t":"join","id":1,"room":"GO"}`, `joined 1 room:Go 2 false`},
		{"join everyone", `{"t":"join","id":1,"room":"all"}`, `joined 1 room:all 2 false`},
		{"join everyone in capitals", `{"t":"join","id":1,"room":"All"}`, `joined 1 room:all 2 false`},
		{"join no room", `{"t":"join","id":1}`, `err 1 400`},
		{"join with a slash", `{"t":"join","id":1,"room":"a/b"}`, `err 1 400`},
		{"join what is too long", `{"t":"join","id":1,"room":"` + long + `"}`, `err 1 400`},
		{"leave", `{"t":"leave","id":1,"room":"go"}`, `left 1 Go`},
		{"leave another", `{"t":"leave","id":1,"room":"rust"}`, `left 1 rust`},
		{"leave everyone", `{"t":"leave","id":1,"room":"all"}`, `err 1 400`},
		{"leave everyone in capitals", `{"t":"leave","id":1,"room":"ALL"}`, `err 1 400`},
		{"leave what can be no room", `{"t":"leave","id":1,"room":"a/b"}`, `err 1 400`},
		{"history", `{"t":"history","id":1,"conv":"room:go"}`, `history 1 room:Go ["in go"] false`},
		{"history of another", `{"t":"history","id":1,"conv":"room:secret"}`, `err 1 403`},
		{"history of what can be no room", `{"t":"history","id":1,"conv":"room:a/b"}`, `err 1 400`},
		{"history of everyone", `{"t":"history","id":1,"conv":"room:all"}`, `history 1 room:all ["to all"] false`},
		{"history of everyone in capitals", `{"t":"history","id":1,"conv":"room:ALL"}`, `history 1 room:all ["to all"] false`},
		{"history with nobody", `{"t":"history","id":1,"conv":"dm:nobody"}`, `err 1 404`},
		{"history with who said nothing", `{"t":"history","id":1,"conv":"dm:bob"}`, `err 1 404`},
		{"history with what can be no nick", `{"t":"history","id":1,"conv":"dm:a/b"}`, `err 1 404`},
		{"presence", `{"t":"presence","id":1,"room":"go"}`, `presence 1 Go 2 [alice bob]`},
		{"presence of all", `{"t":"presence","id":1}`, `presence 1 all 2 [alice bob]`},
		{"presence of all by name", `{"t":"presence","id":1,"room":"all"}`, `presence 1 all 2 [alice bob]`},
		{"presence of another", `{"t":"presence","id":1,"room":"secret"}`, `err 1 403`},
		{"typing in another", `{"t":"typing","id":1,"room":"secret"}`, `err 1 403`},
		{"read in another", `{"t":"read","id":1,"conv":"room:secret","seq":1}`, `err 1 403`},
	} {
		t.Run(x.name, func(t *testing.T) {
			inBubble(t, Config{}, func(_ *testing.T, c *bubble) {
				alice, bob := c.in("alice"), c.in("bob")
				alice.send(`{"t":"join","room":"Go"}`)
				bob.send(`{"t":"join","room":"go"}` + "\n" + `{"t":"join","room":"secret"}`)
				bob.send(`{"message":"to all"}`)
				bob.send(`{"room":"go","message":"in go"}` + "\n" + `{"room":"secret","message":"in secret"}`)
				alice.sees(`msg room:all bob: "to all"`, `msg room:Go bob: "in go"`)
				alice.send("%s", x.frame)
				if x.want == "" {
					alice.sees()
				} else {
					alice.sees(x.want)
				}
			})
		})
	}
}

// Who leaves hears no more, and may join again; what was said meanwhile comes by position.
func TestJoinAndLeave(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		alice.send(`{"t":"join","id":1,"room":"go"}`)
		empty := alice.sees("joined 1 room:go 1 false")[0]
		if empty.Seq != 0 || empty.Epoch != alice.epoch || empty.Room != "go" {
			t.Fatalf("joined: %+v", empty)
		}
		bob.send(`{"t":"join","id":1,"room":"go"}`)
		bob.sees("joined 1 room:go 2 false")
		bob.send(`{"room":"go","message":1}`)
		first := bob.sees("msg room:go bob: 1")[0]
		alice.sees("msg room:go bob: 1")
		alice.send(`{"t":"leave","id":2,"room":"go"}`)
		alice.sees("left 2 go")
		for i := range 2 {
			bob.send(`{"room":"go","message":%d}`, 2+i)
		}
		last := bob.sees("msg room:go bob: 2", "msg room:go bob: 3")[1]
		alice.sees()
		alice.send(`{"room":"go","id":3,"message":4}`)
		alice.sees("err 3 403")
		alice.send(`{"t":"join","id":4,"room":"go","pos":[%q,%d]}`, alice.epoch, first.Seq)
		again := alice.sees("joined 4 room:go 2 true", "msg room:go bob: 2", "msg room:go bob: 3")[0]
		if again.Seq != last.Seq {
			t.Fatalf("joined with seq %d, want %d", again.Seq, last.Seq)
		}
		alice.send(`{"t":"leave","room":"go"}`)
		alice.send(`{"t":"join","id":5,"room":"go"}`)
		alice.sees("joined 5 room:go 2 false")
	})
}

// A client may have joined so many rooms and no more, by whichever way.
func TestMaxRooms(t *testing.T) {
	inBubble(t, Config{MaxRooms: 2}, func(t *testing.T, c *bubble) {
		alice := c.in("alice")
		for i, want := range []string{"joined 0 room:r0 1 false", "joined 1 room:r1 1 false", "err 2 403"} {
			alice.send(`{"t":"join","id":%d,"room":"r%d"}`, i, i)
			alice.sees(want)
		}
		alice.send(`{"t":"join","id":3,"room":"R1"}`)
		alice.sees("joined 3 room:r1 1 false")
		alice.send(`{"t":"leave","id":4,"room":"r0"}` + "\n" + `{"t":"join","id":5,"room":"r2"}`)
		alice.sees("left 4 r0", "joined 5 room:r2 1 false")
		alice.drop()
		pos := fmt.Sprintf(`,"pos":{"room:a":[%q,0],"room:b":[%q,0],"room:c":[%q,0],"room:all":[%q,0]}`,
			alice.epoch, alice.epoch, alice.epoch, alice.epoch)
		bob, news := c.hello("bob", pos)
		joined := 0
		for name, ok := range news[0].recovered() {
			if in := c.places.count(strings.TrimPrefix(name, "room:")) > 0; in != ok {
				t.Fatalf("%s: recovered %v, joined %v", name, ok, in)
			}
			if ok {
				joined++
			}
		}
		if joined != 3 {
			t.Fatalf("recovered: %v", news[0].recovered())
		}
		bob.drop()
	})
}

// A room is forgotten when nobody is in it any more, everywhere, also when the last leave in the middle of a message.
func TestRoomsAreForgotten(t *testing.T) {
	inBubble(t, Config{Shards: 1}, func(t *testing.T, c *bubble) {
		users := make([]*user, 20)
		for i := range users {
			users[i] = c.in(fmt.Sprintf("u%d", i))
			users[i].send(`{"t":"join","room":"a"}` + "\n" + `{"t":"join","room":"b"}`)
		}
		users[0].peer.onSend = func() { // while the message walks, another one comes, and then all leave
			users[0].peer.onSend = nil
			users[1].write(`{"room":"a","message":2}`)
			for c.shards[0].mail.len() == 0 {
				runtime.Gosched()
			}
			for _, u := range users {
				u.write(`{"t":"leave","room":"a"}`)
			}
		}
		users[1].send(`{"room":"a","message":1}`)
		for _, u := range users {
			u.drop()
		}
		if left := len(c.shards[0].rooms); left > 0 {
			t.Errorf("the shard still knows %d rooms", left)
		}
		if len(c.places.byKey) != 1 || len(c.places.changed) > 1 {
			t.Errorf("%d places are known, %d changed", len(c.places.byKey), len(c.places.changed))
		}
		late := c.in("late")
		late.send(`{"t":"join","id":1,"room":"A"}`)
		late.sees("joined 1 room:A 1 false")
	})
}

// A message to a room is no work for shards where nobody is in it.
func TestRoomCostsItsMembers(t *testing.T) {
	inBubble(t, Config{Shards: 4}, func(t *testing.T, c *bubble) {
		crowd := make([]*user, 40)
		for i := range crowd {
			crowd[i] = c.in(fmt.Sprintf("u%d", i))
		}
		crowd[0].send(`{"t":"join","room":"go"}`)
		crowd[0].send(`{"room":"go","message":1}`)
		for i, s := range c.shards {
			isHome := s == crowd[0].shard
			if (len(s.rooms) == 1) != isHome || s.everyone.taken > 0 {
				t.Errorf("shard %d: %d rooms, %d messages, is home: %v", i, len(s.rooms), s.everyone.taken, isHome)
			}
		}
		sends := 0
		for _, u := range crowd[1:] {
			sends += u.peer.sends
		}
		if want := len(crowd) - 1; sends != want { // a welcome each
			t.Errorf("%d frames to who is not in the room, want %d", sends, want)
		}
	})
}

// Everybody is on some page, once, in order, while the count is that of all.
func TestPresencePages(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		var want []string
		for i := range 25 {
			nick := fmt.Sprintf("U%02d", i)
			c.in(nick).send(`{"t":"join","room":"go"}`)
			want = append(want, nick)
		}
		c.old("tut")
		me := c.in("U99")
		me.send(`{"t":"join","id":1,"room":"go"}`)
		me.news()
		for _, x := range []struct {
			room string
			want []string
		}{{"", append([]string{"tut"}, append(slices.Clone(want), "U99")...)}, {"go", append(slices.Clone(want), "U99")}} {
			var got []string
			after := ""
			for page := 0; page == 0 || after != ""; page++ {
				me.send(`{"t":"presence","id":1,"room":%q,"limit":10,"after":%q}`, x.room, after)
				p := me.news()[0]
				if p.Count != len(x.want) || len(*p.Users) > 10 {
					t.Fatalf("page: %v", p)
				}
				got = append(got, *p.Users...)
				if after = ""; len(*p.Users) == 10 {
					after = (*p.Users)[9]
				}
			}
			if !slices.Equal(got, x.want) {
				t.Fatalf("in %q: %v, want %v", x.room, got, x.want)
			}
		}
		for after, want := range map[string]string{
			"u23": "[U24 U99]", "U23": "[U24 U99]", "u230": "[U24 U99]", "zz": "[]", "u98/": "[U99]",
		} {
			me.send(`{"t":"presence","id":1,"room":"go","after":%q}`, after)
			if got := fmt.Sprint(*me.news()[0].Users); got != want {
				t.Errorf("after %q: %s, want %s", after, got, want)
			}
		}
	})
}

// What changes in a place is told to who is there, once a second at most, merged: who came and went within it is not
// named.
func TestPresenceIsPushed(t *testing.T) {
	inBubble(t, Config{}, func(_ *testing.T, c *bubble) {
		alice := c.in("alice")
		alice.wantsPresence = true
		tick := func() {
			time.Sleep(time.Second)
			alice.send(`{"t":"ping"}`)
		}
		tick()
		alice.sees("presence room:all 1 +[alice] -[]")
		bob, carol := c.in("bob"), c.in("carol")
		tut := c.old("tut")
		carol.drop()
		alice.sees()
		tick()
		alice.sees("presence room:all 3 +[bob tut] -[]")
		tick()
		alice.sees()
		bob.send(`{"t":"join","room":"go"}`)
		alice.send(`{"t":"join","room":"go"}`)
		tick()
		alice.sees("presence room:go 2 +[alice bob] -[]")
		tut.drop()
		bob.drop()
		back, _ := c.hello("bob", bob.with())
		tick()
		alice.sees("presence room:all 2 +[] -[tut]", "presence room:go 1 +[] -[bob]")
		back.send(`{"t":"join","room":"rust"}`)
		tick()
		alice.sees() // it is not there
		alice.send(`{"t":"leave","room":"go"}`)
		tick()
		alice.sees()
	})
}

// However many come within a second, each who is there gets one frame of it, cut at 50 names. So n joins cost O(n) frames
// and not n squared.
func TestPresenceOfACrowd(t *testing.T) {
	const n = 400
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		crowd := make([]*user, n)
		for i := range crowd {
			crowd[i] = c.in(fmt.Sprintf("u%d", i))
			crowd[i].wantsPresence = true
		}
		time.Sleep(time.Second + time.Millisecond)
		frames := 0
		for i, u := range crowd {
			news := u.news()
			frames += len(news)
			for _, o := range news {
				if o.Count > n || len(o.Joined) > 50 {
					t.Fatalf("u%d sees %v", i, o)
				}
			}
			if len(news) != 1 || news[0].Count != n || len(news[0].Joined) != 50 {
				t.Fatalf("u%d sees %v, want one frame", i, news)
			}
		}
		if frames != n {
			t.Fatalf("%d frames for %d joins", frames, n)
		}
		for _, u := range crowd[1:] {
			u.drop()
		}
		time.Sleep(time.Second + time.Millisecond)
		if last := crowd[0].news(); len(last) != 1 || last[0].Count != 1 || len(last[0].Left) != 50 {
			t.Fatalf("who stays sees %v", last)
		}
	})
}

// A leave is answered behind the join before it, whatever that has to bring, and a join behind the leave before it.
func TestLeaveBehindJoin(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		alice.send(`{"t":"join","id":1,"room":"go"}`)
		first := alice.sees("joined 1 room:go 1 false")[0]
		alice.send(`{"t":"msg","room":"go","message":1}`)
		alice.news()
		bob.send(`{"t":"join","id":1,"room":"go","pos":[%q,%d]}`+"\n"+`{"t":"leave","id":2,"room":"go"}`+"\n"+
			`{"t":"join","id":3,"room":"go"}`+"\n"+`{"t":"leave","id":4,"room":"go"}`, first.Epoch, first.Seq)
		var order []string
		for _, o := range bob.news() {
			order = append(order, o.T+string(o.ID))
		}
		if want := []string{"joined1", "msg", "left2", "joined3", "left4"}; !slices.Equal(order, want) && !slices.Equal(order, slices.DeleteFunc(want, func(s string) bool { return s == "msg" })) {
			t.Fatalf("bob sees %v, want %v", order, want)
		}
		if n := c.places.count("go"); n != 1 {
			t.Fatalf("%d are in the room, want 1", n)
		}
	})
}
