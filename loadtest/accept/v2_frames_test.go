package accept

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

func TestV2Welcome(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, boot booter) {
		h := boot(t)
		p, w := h.enter("  ＡLICE Ünï ")
		const limits = `{"max_message":65536,"max_batch":256,"max_cid":64,"max_rooms":100,"history_limit":100,"rate":0,"burst":40}`
		for key, want := range map[string]string{"nick": `"ALICE Ünï"`, "online": "1", "limits": limits, "recovered": "{}"} {
			if w[key] != want {
				t.Errorf("%s is %s, want %s", key, w[key], want)
			}
		}
		for _, key := range []string{"session", "resume", "epoch"} {
			if len(w[key]) < len(`"x"`) {
				t.Errorf("%s is %s", key, w[key])
			}
		}
		p.say(`{"t":"hello","id":"again","pos":{"room:all":` + at(w["epoch"], 0) + `,"room:all ":["x",1],"dm:nobody":["x",1],"bad":["x",1]}}`)
		again := p.hear(`{"t":"welcome","id":"again","nick":` + w["nick"] + `,"session":` + w["session"] + `,"resume":` + w["resume"] +
			`,"epoch":` + w["epoch"] + `,"online":1,"ping_s":25,"limits":*,"recovered":*}`)
		if want := `{"bad":false,"dm:nobody":false,"room:all":true,"room:all ":false}`; again["recovered"] != want {
			t.Errorf("recovered %s, want %s", again["recovered"], want)
		}
	})
}

// TestV2IDs has ids echoed as they were written, and nothing said without one.
func TestV2IDs(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, boot booter) {
		h := boot(t)
		p, _ := h.enter("alice")
		for _, id := range []string{`1`, `-0`, `1.0`, `1e2`, `18446744073709551616`, `0.1E-7`, `""`, `"x"`, `"\u0041\/\ud83d"`, `"ü妹"`} {
			p.say(`{"t":"ping"}`)
			p.ask(`{"t":"ping","id":`+id+`}`, `{"t":"pong","id":`+id+`,"ts":*}`)
			p.ask(`{"id":`+id+`,"t":"nonsense"}`, refused(id, 400))
		}
		p.say(`{"t":"join","room":"a"}`)
		p.say(`{"t":"leave","room":"a"}`)
		p.say(`{"t":"presence"}`)
		p.say(`{"t":"history","conv":"room:all"}`)
		p.ask(`{"t":"ping","id":7}`, `{"t":"pong","id":7,"ts":*}`)
	})
}

// TestV2Refused is what is answered by an err. The connection stays.
func TestV2Refused(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, boot booter) {
		h := boot(t)
		p, w := h.enter("alice")
		bob, _ := h.enter("bob")
		deep := func(levels int) string { return strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1) }
		long := strings.Repeat("x", 65)
		for _, row := range []struct {
			frame string
			id    string // "" when the err has none
			code  int
		}{
			{`hello`, "", 400},
			{`{"t":"ping","id":1`, "1", 400},
			{`{"t":"ping","id":1}}`, "1", 400},
			{`{"t":"ping","id":`, "", 400},
			{`[]`, "", 400},
			{`7`, "", 400},
			{`null`, "", 400},
			{``, "", 400},
			{`{"t":"ping","id":{}}`, "", 400},
			{`{"t":"ping","id":null}`, "", 400},
			{`{"t":"nonsense","id":1}`, "1", 400},
			{`{"t":"nonsense"}`, "", 400},
			{`{"t":"welcome","id":1}`, "1", 400},
			{`{"t":7,"id":1}`, "1", 400},
			{`{"t":"ping","id":1,"id":1}`, "1", 400},
			{`{"t":"msg","id":1,"message":{"a":1,"a":1}}`, "1", 400},
			{`{"t":"msg","id":1,"message":` + deep(65) + `}`, "", 400},
			{`{"t":"msg","id":1}`, "1", 400},
			{`{"id":1}`, "1", 400},
			{`{"t":"msg","id":1,"message":1,"to_user":7}`, "1", 400},
			{`{"t":"msg","id":1,"message":1,"room":7}`, "1", 400},
			{`{"t":"msg","id":1,"message":1,"to_user":"bob","room":"go"}`, "1", 400},
			{`{"t":"msg","id":1,"message":1,"cid":""}`, "1", 400},
			{`{"t":"msg","id":1,"message":1,"cid":7}`, "1", 400},
			{`{"t":"msg","id":1,"message":1,"cid":"` + long + `"}`, "1", 400},
			{`{"t":"msg","id":1,"message":1,"to_user":"nobody"}`, "1", 404},
			{`{"t":"msg","message":1,"to_user":"nobody"}`, "", 404},
			{`{"t":"msg","id":1,"cid":"c","message":"to nobody else","to_user":"nobody"}`, "1", 404},
			{`{"t":"msg","id":1,"message":1,"to_user":"a/b"}`, "1", 404},
			{`{"t":"msg","id":1,"message":1,"room":"go"}`, "1", 403},
			{`{"t":"hello","id":1,"pos":7}`, "1", 400},
			{`{"t":"hello","id":1,"pos":{"room:all":["",1]}}`, "1", 400},
			{`{"t":"hello","id":1,"pos":{"room:all":["e"]}}`, "1", 400},
			{`{"t":"hello","id":1,"pos":{"room:all":["e",-1]}}`, "1", 400},
			{`{"t":"hello","id":1,"pos":{"room:all":["e",1,2]}}`, "1", 400},
			{`{"t":"hello","id":1,"resume":7}`, "1", 400},
			{`{"t":"join","id":1}`, "1", 400},
			{`{"t":"join","id":1,"room":""}`, "1", 400},
			{`{"t":"join","id":1,"room":"a/b"}`, "1", 400},
			{`{"t":"join","id":1,"room":"` + long + `"}`, "1", 400},
			{`{"t":"join","id":1,"room":"go","pos":["e"]}`, "1", 400},
			{`{"t":"leave","id":1}`, "1", 400},
			{`{"t":"leave","id":1,"room":"all"}`, "1", 400},
			{`{"t":"leave","id":1,"room":"ALL"}`, "1", 400},
			{`{"t":"history","id":1}`, "1", 400},
			{`{"t":"history","id":1,"conv":"all"}`, "1", 400},
			{`{"t":"history","id":1,"conv":"room:"}`, "1", 400},
			{`{"t":"history","id":1,"conv":"room:all","before":1,"after":1}`, "1", 400},
			{`{"t":"history","id":1,"conv":"room:all","before":1.5}`, "1", 400},
			{`{"t":"history","id":1,"conv":"room:all","after":9223372036854775808}`, "1", 400},
			{`{"t":"history","id":1,"conv":"room:all","limit":"9"}`, "1", 400},
			{`{"t":"history","id":1,"conv":"room:go"}`, "1", 403},
			{`{"t":"history","id":1,"conv":"dm:nobody"}`, "1", 404},
			{`{"t":"history","id":1,"conv":"dm:bob"}`, "1", 404},
			{`{"t":"presence","id":1,"room":"go"}`, "1", 403},
			{`{"t":"presence","id":1,"after":7}`, "1", 400},
			{`{"t":"presence","id":1,"limit":1.5}`, "1", 400},
			{`{"t":"typing","id":1,"to_user":"bob","room":"go"}`, "1", 400},
			{`{"t":"typing","id":1,"room":"go"}`, "1", 403},
			{`{"t":"recv","id":1,"conv":"dm:bob"}`, "1", 400},
			{`{"t":"read","id":1,"conv":"dm:bob","seq":-1}`, "1", 400},
			{`{"t":"read","id":1,"seq":1}`, "1", 400},
			{`{"t":"recv","id":1,"conv":"room:go","seq":1}`, "1", 403},
		} {
			want := fmt.Sprintf(`{"t":"err","code":%d,"message":*,"retry":false}`, row.code)
			if row.id != "" {
				want = refused(row.id, row.code)
			}
			p.say(row.frame)
			if o := p.next(); !matches(t, o, want) {
				t.Errorf("%.200s\n got  %v\n want %s", row.frame, o, want)
			}
		}
		// Nothing of it has reached anybody, and all of it is over.
		p.say(`{"t":"msg","id":1,"to_user":"bob","message":` + deep(64) + `}`)
		p.hear(`{"t":"ack","id":1,"mid":*,"conv":"dm:bob","seq":*,"ts":*,"dur":"fsync","online":true}`, said("alice", "dm:bob", deep(64), toUser("bob")))
		bob.hear(`{"t":"msg","from_user":"alice","to_user":"bob","message":` + deep(64) + `,"mid":*,"seq":*,"prev":0,"epoch":` + w["epoch"] + `,"ts":*,"conv":"dm:alice"}`)
	})
}

func matches(t *testing.T, o object, pattern string) bool {
	t.Helper()
	want, err := parse(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return o.is(want)
}

// TestV2Batch has several objects in a frame: each counts for itself, in order.
func TestV2Batch(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, boot booter) {
		h := boot(t)
		p, _ := h.enter("alice")
		p.say("\n{\"t\":\"ping\",\"id\":1}\r\n\n  {\"t\":\"zzz\",\"id\":2}\n{oops\n{\"t\":\"ping\",\"id\":3}\n")
		p.hear(`{"t":"pong","id":1,"ts":*}`)
		p.hear(refused("2", 400))
		p.hear(malformed)
		p.hear(`{"t":"pong","id":3,"ts":*}`)
		p.ask("{\n\"t\":\n\"ping\",\n\"id\":4}", `{"t":"pong","id":4,"ts":*}`)

		p.say(strings.Repeat("{\"t\":\"ping\"}\n", 255) + "{\"t\":\"ping\",\"id\":256}\n{\"t\":\"ping\",\"id\":257}\n{\"t\":\"ping\",\"id\":258}")
		p.hear(`{"t":"pong","id":256,"ts":*}`)
		p.hear(malformed) // for the rest
		p.ask(`{"t":"ping","id":5}`, `{"t":"pong","id":5,"ts":*}`)

		// Messages of a batch keep their order.
		bob, _ := h.enter("bob")
		var batch []string
		for i := range 100 {
			batch = append(batch, fmt.Sprintf(`{"to_user":"bob","message":%d}`, i))
		}
		p.say(strings.Join(batch, "\n"))
		prev := uint64(0)
		for i := range 100 {
			o := bob.hear(fmt.Sprintf(`{"t":"msg","from_user":"alice","to_user":"bob","message":%d,"mid":*,"seq":*,"prev":%d,"epoch":*,"ts":*,"conv":"dm:alice"}`, i, prev))
			prev = o.seq("seq")
		}
	})
}

// TestV2Closed is what ends the connection, and with which code.
func TestV2Closed(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, boot booter) {
		h := boot(t)
		for _, row := range []struct {
			name string
			do   func(*person)
			code int
		}{
			{"binary", func(p *person) { p.write(ws.OpBinary, `{"t":"ping"}`) }, 1003},
			{"not UTF-8", func(p *person) { p.say("{\"t\":\"ping\",\"x\":\"\xff\"}") }, 1007},
			{"too big", func(p *person) { p.say(`{"message":"` + strings.Repeat("x", 64<<10) + `"}`) }, 1009},
			{"not masked", func(p *person) { _, _ = p.conn.Write(ws.MustCompileFrame(ws.NewTextFrame([]byte("{}")))) }, 1002},
		} {
			t.Run(row.name, func(t *testing.T) {
				h := *h
				h.t = t
				p, _ := h.enter("a " + row.name)
				row.do(p)
				p.isClosed(row.code)
			})
		}
		for _, nick := range []string{"a%2Fb", "%FF", "%00", "%E2%80%AE", "system", "SYSTEM", "%20", strings.Repeat("x", 65), ""} {
			p, answer := h.knock("/conn/ws/"+nick, offer)
			if p == nil {
				t.Errorf("nick %q: %s", nick, answer.Status)
				continue
			}
			if before := p.isClosed(4500); len(before) > 0 {
				t.Errorf("nick %q: %q before the close", nick, before)
			}
		}
		// What is refused as HTTP in the tutorial dialect comes in version 2 after the upgrade.
		if p, answer := h.knock("/conn/ws/eve", offer+"Origin: http://evil.example\r\n"); p == nil {
			t.Errorf("another origin: %s, want a close with 4503", answer.Status)
		} else {
			p.isClosed(4503)
		}
	})
}

func TestV2Full(t *testing.T) {
	t.Parallel()
	h := boot(t, "--max-conns", "1")
	h.enter("alice")
	p, answer := h.knock("/conn/ws/bob", offer)
	if p == nil {
		t.Fatalf("beyond --max-conns: %s, want a close with 4053", answer.Status)
	}
	p.isClosed(4053)
}

func TestV2Rate(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, boot booter) {
		h := boot(t, "--rate", "1", "--burst", "3")
		p, _ := h.enter("alice")
		p.say(strings.Repeat("{\"t\":\"history\",\"conv\":\"room:all\"}\n", 3) + `{"t":"msg","id":9,"message":1}`)
		p.hear(`{"t":"err","id":9,"code":429,"message":*,"retry":true,"retry_after_ms":1000}`)
		p.say(strings.Repeat("{\"t\":\"history\",\"conv\":\"room:all\"}\n", 10))
		p.isClosed(4029)
	})
}

// TestV2Draining has those who are there sent away in order.
func TestV2Draining(t *testing.T) {
	t.Parallel()
	h := boot(t)
	p, _ := h.enter("alice")
	stopped := make(chan error, 1)
	go func() { stopped <- h.Stop() }()
	before := p.isClosed(4001)
	bye, err := parse(before[len(before)-1])
	if err != nil || !matches(t, bye, `{"t":"bye","code":4001,"retry_after_ms":*}`) || bye.seq("retry_after_ms") == 0 {
		t.Errorf("%q before the close, %v", before, err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// TestV2SlowReader does not read for a while: it is told what it missed, finds it in the history, and is not cut off.
func TestV2SlowReader(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, boot booter) {
		h := boot(t, "--queue", "64KiB", "--durability", "os")
		slow, w := h.enter("slow")
		fast, _ := h.enter("fast")
		const many, ack = 300, `{"t":"ack","id":*,"mid":*,"conv":"room:all","seq":*,"ts":*,"dur":"os"}`
		text := strings.Repeat("x", 60<<10)
		all := map[uint64]bool{}
		for i := range many {
			fast.say(fmt.Sprintf(`{"id":%d,"message":"%s"}`, i, text))
			for range 2 { // the ack, and the message or a gap
				if o := fast.next(); o["t"] == `"ack"` {
					all[o.seq("seq")] = true
				}
			}
		}
		if len(all) != many {
			t.Fatalf("%d acks of %d", len(all), many)
		}
		last, gaps := uint64(0), 0
		for len(all) > 0 {
			o := slow.next()
			switch o["t"] {
			case `"msg"`:
				last = o.seq("seq")
				delete(all, last)
			case `"gap"`:
				gaps++
				if !matches(t, o, `{"t":"gap","conv":"room:all","from":*,"to":*}`) || o.seq("from") <= last || o.seq("to") < o.seq("from") {
					t.Fatalf("after %d: %v", last, o)
				}
				for more := true; more; {
					slow.say(fmt.Sprintf(`{"t":"history","id":1,"conv":"room:all","after":%d}`, last))
					page := history(t, slow)
					for _, m := range page.Msgs {
						delete(all, m.Seq)
						last = m.Seq
					}
					more = page.More
				}
			default:
				t.Fatalf("%v", o)
			}
		}
		if gaps == 0 {
			t.Error("no gap: the reader was not slow")
		}
		slow.ask(`{"t":"hello","id":2}`, `{"t":"welcome","id":2,"nick":"slow","session":*,"resume":`+w["resume"]+
			`,"epoch":*,"online":2,"ping_s":25,"limits":*,"recovered":{}}`)
	})
}
