package client

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// expired is a context that waits for nothing: what is asked with it is asked all the same.
var expired = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// in runs what waits for an answer while the test plays the server.
func in[T any](do func() (T, error)) func(t *testing.T) T {
	type result struct {
		value T
		err   error
	}
	got := make(chan result, 1)
	go func() {
		v, err := do()
		got <- result{v, err}
	}()
	return func(t *testing.T) T {
		t.Helper()
		r := <-got
		if r.err != nil {
			t.Fatal(r.err)
		}
		return r.value
	}
}

func TestQuestions(t *testing.T) {
	_, s, c, e := enter(t, Options{Reconnect: true})
	ctx := t.Context()
	if w := c.Welcome(); w.Nick != "N" || w.Resume != "secret" || w.Epoch != "e" || w.Online != 3 {
		t.Errorf("welcome %+v", w)
	}
	room := in(func() (Joined, error) { return c.Join(ctx, "go", Position{"e", 4}) })
	s.say(s.expect(`{"t":"join","room":"go","pos":["e",4]}`),
		`{"t":"joined","id":ID,"room":"go","conv":"room:go","members":3,"epoch":"e","seq":9,"recovered":true}`)
	if got, want := room(t), (Joined{"go", "room:go", 3, Position{"e", 9}, true}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := c.Pos(); got["room:go"] != (Position{"e", 4}) || got[Everyone] != (Position{"e", 5}) {
		t.Errorf("positions %v", got)
	}
	sent := c.Send(Post{To: "bob", Body: json.RawMessage(`{"x":1}`), Cid: "c"})
	s.say(s.expect(`{"t":"msg","to_user":"bob","message":{"x":1},"cid":"c"}`),
		`{"t":"ack","id":ID,"cid":"c","mid":"m","conv":"dm:bob","seq":10,"ts":8,"dur":"fsync","online":true}`)
	if ack, err := sent.Wait(ctx); err != nil || ack != (Ack{"c", "m", "dm:bob", 10, 8, "fsync", true}) {
		t.Errorf("ack %+v, %v", ack, err)
	}
	people := in(func() (People, error) { return c.Presence(ctx, "go", "al", 2) })
	s.say(s.expect(`{"t":"presence","room":"go","after":"al","limit":2}`), `{"t":"presence","id":ID,"room":"go","count":7,"users":["b","c"]}`)
	if got := people(t); got.Count != 7 || len(got.Users) != 2 {
		t.Errorf("people %+v", got)
	}
	all := in(func() ([]Message, error) { return c.History(ctx, "room:go", 0) })
	s.say(s.expect(`{"t":"history","conv":"room:go","after":0}`), `{"t":"history","id":ID,"conv":"room:go","msgs":[`+message("room:go", 2, 0)+`],"more":true}`)
	s.say(s.expect(`{"t":"history","conv":"room:go","after":2}`), `{"t":"history","id":ID,"conv":"room:go","msgs":[`+message("room:go", 3, 2)+`],"more":false}`)
	if got := all(t); len(got) != 2 || got[1].Seq != 3 || string(got[1].Body) != "3" {
		t.Errorf("history %+v", got)
	}
	left := in(func() (int, error) { return 0, c.Leave(ctx, "go") })
	s.say(s.expect(`{"t":"leave","room":"go"}`), `{"t":"left","id":ID,"room":"go"}`)
	if left(t); len(c.Pos()) != 1 {
		t.Errorf("positions %v", c.Pos())
	}
	c.Typing("bob", "")
	c.Recv("dm:bob", 3)
	c.Read("dm:bob", 4)
	s.expect(`{"t":"typing","to_user":"bob"}`, `{"t":"recv","conv":"dm:bob","seq":3}`, `{"t":"read","conv":"dm:bob","seq":4}`)
	s.say("", `{"t":"typing","conv":"dm:bob","from_user":"bob","to_user":"N"}`+"\n\n"+`{"t":"read","conv":"dm:bob","from_user":"bob","seq":3}`,
		`{"t":"presence","conv":"room:go","room":"go","count":1,"joined":["x"],"left":[]}`,
		`{"t":"err","code":400,"message":"no","retry":false}`)
	for _, want := range []Event{
		Typing{"dm:bob", "bob", "N", ""}, Receipt{"dm:bob", "bob", 3, true}, Presence{"room:go", "go", 1, []string{"x"}, []string{}},
		Refusal{&Error{Code: 400, Message: "no"}},
	} {
		var got Event
		for got = range e {
			if _, isWelcome := got.(Welcome); !isWelcome {
				break
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	_, s, c, _ := enter(t, Options{FillGaps: true})
	sent := c.Send(Post{Room: "go", Body: json.RawMessage("1")})
	s.say(s.expect(`{"t":"msg","room":"go"}`), `{"t":"err","id":ID,"code":429,"message":"slow","retry":true,"retry_after_ms":9}`)
	_, err := sent.Wait(t.Context())
	want := &Error{Code: 429, Message: "slow", Retry: true, RetryAfter: 9 * time.Millisecond}
	if got := new(Error); !errors.As(err, &got) || *got != *want {
		t.Errorf("%v", err)
	}
	if _, err := c.Send(Post{Body: json.RawMessage("{")}).Wait(t.Context()); err != errBody {
		t.Errorf("a body that is not JSON: %v", err)
	}
}

// TestAgain cuts the connection while messages wait: they are said again in their order and under the same cids, with the
// secret and the positions of before.
func TestAgain(t *testing.T) {
	h, s, c, e := enter(t, Options{Reconnect: true})
	first := c.Send(Post{Body: json.RawMessage("1")})
	second := c.Send(Post{Body: json.RawMessage("2")})
	cids := first.Post.Cid + second.Post.Cid
	if first.Post.Cid == second.Post.Cid || first.Post.Cid == "" {
		t.Errorf("cids %q", cids)
	}
	s.expect(`{"t":"msg","message":1}`, `{"t":"msg","message":2}`)
	s.say("", message(Everyone, 7, 5))
	e.hears(t, 7)
	s.hangUp(4001)
	if err := next[Lost](t, e).Err; err.Error() != "client: closed: 4001 why" {
		t.Errorf("%v", err)
	}
	third := c.Send(Post{Body: json.RawMessage("3")})
	s = h.accept(t)
	s.say(s.expect(`{"t":"hello","resume":"secret","pos":{"room:all":["e",7]}}`), welcome)
	ack := `{"t":"ack","id":ID,"mid":"m","conv":"room:all","seq":8}`
	s.say(s.expect(`{"t":"msg","message":1,"cid":"`+first.Post.Cid+`"}`), ack)
	s.say(s.expect(`{"t":"msg","message":2,"cid":"`+second.Post.Cid+`"}`), ack)
	s.say(s.expect(`{"t":"msg","message":3,"cid":"`+third.Post.Cid+`"}`), `{"t":"err","id":ID,"code":503,"message":"full","retry":true}`)
	s.say(s.expect(`{"t":"msg","message":3,"cid":"`+third.Post.Cid+`"}`), ack)
	for _, sent := range []*Sent{first, second, third} {
		if ack, err := sent.Wait(t.Context()); err != nil || ack.Seq != 8 {
			t.Errorf("%+v, %v", ack, err)
		}
	}
	if got := next[Refusal](t, e); got.Err.Code != 503 {
		t.Errorf("%v", got.Err)
	}
	if got, want := c.Tally(), (Tally{Welcomes: 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestEnds is how a client ends for good.
func TestEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		code ws.StatusCode
		o    Options
	}{
		{"a final code", 4510, Options{Reconnect: true}},
		{"any code", 1001, Options{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, e := boot(t), newEar()
			c.o.Pos, c.o.On = map[string]Position{Everyone: {"e", 1}}, e.on
			wait := dial(t, h, c.o)
			s := h.accept(t)
			s.say(s.expect(hello), welcome)
			client, err := wait()
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			sent := client.Send(Post{Body: json.RawMessage("1")})
			s.expect(`{"t":"msg"}`)
			s.hangUp(c.code)
			if _, err := sent.Wait(t.Context()); err != ErrClosed {
				t.Errorf("the message ends with %v", err)
			}
			<-client.Done()
			var closed *CloseError
			if err := client.Err(); !errors.As(err, &closed) || closed.Code != int(c.code) {
				t.Errorf("the client ends with %v", err)
			}
			if _, err := client.Ping(t.Context()); err != ErrClosed {
				t.Errorf("a ping afterwards: %v", err)
			}
		})
	}
}

// TestDial is how it begins, or does not.
func TestDial(t *testing.T) {
	for _, c := range []struct {
		name  string
		o     Options
		play  func(*testing.T, *house)
		fails bool
	}{
		{"bad nick", Options{Reconnect: true}, func(t *testing.T, h *house) {
			s := h.accept(t)
			s.expect(hello)
			s.hangUp(4500)
		}, true},
		{"HTTP 403", Options{Reconnect: true}, func(t *testing.T, h *house) { h.refuse(t, 403) }, true},
		{"HTTP 503", Options{}, func(t *testing.T, h *house) { h.refuse(t, 503) }, true},
		{"HTTP 503, then let in", Options{Reconnect: true}, func(t *testing.T, h *house) {
			h.refuse(t, 503)
			h.refuse(t, 429)
			h.letIn(t)
		}, false},
		{"the claim could not be stored", Options{Reconnect: true}, func(t *testing.T, h *house) {
			s := h.accept(t)
			s.say(s.expect(hello), `{"t":"err","id":ID,"code":503,"message":"full","retry":true,"retry_after_ms":1}`)
			s.hangUp(4053)
			h.letIn(t)
		}, false},
		{"no JSON", Options{}, func(t *testing.T, h *house) {
			s := h.accept(t)
			s.say("", "x")
			s.end()
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := boot(t)
			wait := dial(t, h, c.o)
			c.play(t, h)
			client, err := wait()
			if (err != nil) != c.fails {
				t.Fatal(err)
			}
			if err == nil {
				client.Close()
				if client.Err() != ErrClosed {
					t.Error(client.Err())
				}
				client.Close()
			}
		})
	}
	h := boot(t)
	if c, err := Dial(expired, Options{URL: h.url, Nick: "N", Reconnect: true}); err != context.Canceled {
		t.Errorf("%v, %v", c, err)
	}
}

// TestFrames has pings answered and a message put together from parts.
func TestFrames(t *testing.T) {
	_, s, _, e := enter(t, Options{FillGaps: true})
	text := message(Everyone, 7, 5)
	s.frame(ws.NewFrame(ws.OpText, false, []byte(text[:20])))
	s.frame(ws.NewPingFrame([]byte("there?")))
	s.frame(ws.NewFrame(ws.OpContinuation, true, []byte(text[20:])))
	e.hears(t, 7)
	h, err := ws.ReadHeader(s)
	if err != nil || h.OpCode != ws.OpPong || h.Length != 6 || !h.Masked {
		t.Errorf("%+v, %v", h, err)
	}
}

func TestBackoff(t *testing.T) {
	b := backoff{most: time.Second}
	for i := range 100 {
		bound := min(firstWait<<min(i, 10), time.Second)
		if got := b.next(); got < 0 || got > bound {
			t.Fatalf("attempt %d: %v, at most %v", i, got, bound)
		}
	}
	b.asked = time.Hour
	if got := b.next(); got < time.Hour || got > time.Hour+time.Second {
		t.Errorf("asked for an hour: %v", got)
	}
	if got := b.next(); got > time.Second {
		t.Errorf("asked once: %v", got)
	}
	b.reset()
	if got := b.next(); got > firstWait {
		t.Errorf("after it went well: %v", got)
	}
	for err, want := range map[error]bool{
		&CloseError{Code: 4499}: false, &CloseError{Code: 4500}: true, &CloseError{Code: 4999}: true, &CloseError{Code: 1011}: false,
		ws.StatusError(400): true, ws.StatusError(429): false, ws.StatusError(503): false, context.Canceled: false,
	} {
		if isFinal(err) != want {
			t.Errorf("%v: final %t", err, !want)
		}
	}
}
