package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"

	"throng/deploy/config"
)

// TestNodesAnswerForAll asks the API of each of two nodes who is there and where: both say the same, of the people of both.
func TestNodesAnswerForAll(t *testing.T) {
	nats, folder := free(t), filepath.Join(t.TempDir(), "first")
	a := start(t, func(s *config.Serve) { s.Data, s.Nats, s.NatsListen = folder, "embedded", nats })
	b := start(t, func(s *config.Serve) { s.Nats = "nats://" + nats })
	eventually(t, "a node does not join", func() bool { return a.hub.Healthy() == nil && b.hub.Healthy() == nil })
	alice, bob := a.enter("alice"), b.enter("Bob")
	for _, c := range []*talker{alice, bob} {
		c.say(`{"t":"join","id":2,"room":"Go"}`)
		c.hear(`"id":2`)
	}
	bob.say(`{"t":"join","id":3,"room":"rust"}`)
	bob.hear(`"id":3`)
	carol, _ := b.knock(chatPath+"carol", false, nil)
	carol.say(`{"message":"hi"}`)
	carol.hear("hi")

	nodes := []string{a.nodes.Node(), b.nodes.Node()}
	for i, r := range []*running{a, b} {
		for _, want := range []struct{ path, says string }{
			{"/api/users", `next: online:3 users:[alice Bob carol]`},
			{"/api/users?limit=2", `next:Bob online:3 users:[alice Bob]`},
			{"/api/users?limit=2&after=Bob", `next: online:3 users:[carol]`},
			{"/api/users?prefix=c", `next: online:3 users:[carol]`},
			{"/api/users/alice", `node:` + nodes[0] + ` online:true rooms:[Go]`},
			{"/api/users/bob", `node:` + nodes[1] + ` online:true rooms:[Go rust]`},
			{"/api/users/carol", `node:` + nodes[1] + ` online:true rooms:[]`},
			{"/api/rooms", `next: rooms:[map[count:2 room:Go] map[count:1 room:rust]]`},
			{"/api/rooms?after=go", `next: rooms:[map[count:1 room:rust]]`},
			{"/api/rooms/go", `count:2 room:Go`},
			{"/api/rooms/rust", `count:1 room:rust`},
			{"/api/rooms/go/members", `count:2 next: room:Go users:[alice Bob]`},
			{"/api/rooms/nobodys/members", `count:0 next: room:nobodys users:[]`},
			{"/api/presence?nick=alice&nick=bob&nick=dave", `online:map[alice:true bob:true dave:false]`},
		} {
			if got := r.brief(want.path); got != want.says {
				t.Errorf("%s at %s: %s, want %s", want.path, nodes[i], got, want.says)
			}
		}
		for path, want := range map[string]int{"/api/users/dave": 404, "/api/rooms/nobodys": 404} {
			if status, body := r.get(path); status != want {
				t.Errorf("%s at %s: %d %s", path, nodes[i], status, body)
			}
		}
		var all struct {
			Nodes []struct {
				Node, Problem string
				Online        int
			}
		}
		if status, body := r.get("/api/nodes"); status != http.StatusOK || json.Unmarshal([]byte(body), &all) != nil {
			t.Fatalf("%d %s", status, body)
		}
		if got, want := fmt.Sprint(all.Nodes), fmt.Sprintf("[{%s  %d} {%s  %d}]", nodes[i], 1+i, nodes[1-i], 2-i); got != want {
			t.Errorf("nodes at %s: %s, want %s", nodes[i], got, want)
		}
	}
}

// brief is what an answer of the API says that does not differ from run to run, its keys in their order.
func (r *running) brief(path string) string {
	r.t.Helper()
	status, body := r.get(path)
	all := map[string]any{}
	if err := json.Unmarshal([]byte(body), &all); status != http.StatusOK || err != nil {
		return fmt.Sprint(status, body)
	}
	for _, key := range []string{"nick", "returns", "since", "away", "sessions", "request"} {
		delete(all, key)
	}
	if _, isRooms := all["rooms"]; isRooms {
		delete(all, "count") // at least so many: see room.Hub.Rooms
	}
	text := fmt.Sprint(all)
	return text[len("map[") : len(text)-1]
}
