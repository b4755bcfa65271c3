package cluster

import (
	"context"
	"fmt"
	"testing"
)

func TestTell(t *testing.T) {
	t.Parallel()
	a := first(t)
	b := second(t, a)
	type told struct{ from, text string }
	const topic = "r/日本 *.>"
	atA, atB := make(chan told, 9999), make(chan told, 9999)
	for c, at := range map[*Cluster]chan told{a: atA, b: atB} {
		if err := c.Listen(topic, func(from string, data []byte) { at <- told{from, string(data)} }); err != nil {
			t.Fatal(err)
		}
		if err := c.nc.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5000 {
		a.Tell(topic, fmt.Append(nil, i))
		a.Tell("r/other", []byte("not for b"))
	}
	for i := range 5000 {
		if got, want := receive(t, "what a told", atB), (told{"a", fmt.Sprint(i)}); got != want {
			t.Fatalf("%v; want %v", got, want)
		}
	}
	b.Tell(topic, []byte("back"))
	if got, want := receive(t, "what b told", atA), (told{"b", "back"}); got != want { // and nothing of its own
		t.Fatalf("%v; want %v", got, want)
	}

	again := make(chan told, 9)
	if err := b.Listen(topic, func(from string, data []byte) { again <- told{from, string(data)} }); err != nil {
		t.Fatal(err)
	}
	a.Tell(topic, []byte("x"))
	receive(t, "x", again)
	end := make(chan told, 9)
	if err := b.Listen("end", func(from string, data []byte) { end <- told{from, string(data)} }); err != nil {
		t.Fatal(err)
	}
	b.Unlisten(topic)
	b.Unlisten(topic)
	if err := b.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	a.Tell(topic, []byte("y"))
	a.Tell("end", nil)
	receive(t, "the end", end)
	if len(again)+len(atB) != 0 {
		t.Error("heard after Unlisten")
	}
}

func TestAsk(t *testing.T) {
	t.Parallel()
	a := first(t)
	b := second(t, a)
	silent := start(t, Config{URL: "nats://" + a.Addr(), Node: "c"}) // answers nothing
	stop := make(chan struct{})
	for _, c := range []*Cluster{a, b} {
		if err := c.Answer(func(from string, data []byte) []byte {
			if string(data) == "wait" {
				<-stop
			}
			return fmt.Appendf(nil, "%s to %s: %s", c.Node(), from, data)
		}); err != nil {
			t.Fatal(err)
		}
		if err := c.nc.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []*Cluster{a, b, silent} {
		eventually(t, "all see all", func() bool { return len(c.Nodes()) == 3 })
	}
	if got, want := fmt.Sprintf("%s", silent.Ask(t.Context(), []byte("q"))), "map[a:a to c: q b:b to c: q]"; got != want {
		t.Errorf("%s; want %s", got, want)
	}
	if got, want := fmt.Sprintf("%s", a.Ask(t.Context(), []byte("q"))), "map[b:b to a: q]"; got != want {
		t.Errorf("%s; want %s", got, want)
	}
	if got, err := a.AskNode(t.Context(), "b", []byte("r")); err != nil || string(got) != "b to a: r" {
		t.Error(string(got), err)
	}
	for _, node := range []string{"c", "nobody"} {
		if got, err := a.AskNode(t.Context(), node, nil); err == nil {
			t.Error(node, "answers", got)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := a.Ask(ctx, []byte("wait")); len(got) != 0 {
		t.Error(got)
	}
	close(stop)
}
