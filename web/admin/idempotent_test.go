package admin

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestIdempotency(t *testing.T) {
	o := open(t)
	ask := func(path, body, key string) (int, string, http.Header) {
		return o.ask("POST", path, body, "Idempotency-Key", key)
	}
	_, first, h := ask("/api/publish", `{"message":1}`, "k1")
	if h.Get("Idempotent-Replayed") != "" {
		t.Error("replayed at once")
	}
	if status, again, h := ask("/api/publish", `{"message":1}`, "k1"); status != 200 || again != first || h.Get("Idempotent-Replayed") != "true" {
		t.Error(status, again, h)
	}
	if sent := o.chat.drafts(); len(sent) != 1 || !strings.HasPrefix(sent[0].Cid, "api-") || len(sent[0].Cid) > maxCid {
		t.Errorf("%+v", sent)
	}
	if status, text, _ := ask("/api/publish", `{"message":2}`, "k1"); status != 422 || !strings.Contains(text, "idempotency_mismatch") {
		t.Error(status, text)
	}
	for _, key := range []string{"", strings.Repeat("x", 256), "a\x01"} {
		if status, _, _ := ask("/api/publish", `{"message":2}`, key); status != 400 {
			t.Errorf("%q: %d", key, status)
		}
	}
	// What failed is done again, under the same cid, and what came of it then is kept.
	o.chat.fails = &Error{Status: 503, Message: "later", After: time.Second}
	if status, _, h := ask("/api/publish", `{"message":3}`, "k2"); status != 503 || h.Get("Retry-After") != "1" {
		t.Error(status)
	}
	o.chat.fails = nil
	for range 2 {
		if status, _, _ := ask("/api/publish", `{"message":3}`, "k2"); status != 200 || len(o.chat.drafts()) != 2 {
			t.Error(status, o.chat.drafts())
		}
	}
	// Of a broadcast that failed in part all is done again, under the same cids, which the log knows.
	const part = `{"message":1,"to":["bob","nobody"]}`
	for range 2 {
		ask("/api/broadcast", part, "k3")
	}
	sent := o.chat.drafts()
	if len(sent) != 4 || sent[2].Cid != sent[3].Cid || sent[2].Cid == sent[1].Cid {
		t.Errorf("%+v", sent)
	}
}

// Of many who ask for the same at once one is the first, and all get its answer.
func TestIdempotencyAtOnce(t *testing.T) {
	o := open(t)
	var once sync.Once
	begun, goOn := make(chan struct{}), make(chan struct{})
	o.chat.wait = func(context.Context) {
		once.Do(func() { close(begun) })
		<-goOn
	}
	var asking sync.WaitGroup
	answers := make(chan string, 8)
	ask := func() {
		_, text, _ := o.ask("POST", "/api/publish", `{"message":1}`, "Idempotency-Key", "k")
		answers <- text
	}
	asking.Go(ask)
	<-begun
	for range cap(answers) - 1 {
		asking.Go(ask)
	}
	close(goOn)
	asking.Wait()
	first := <-answers
	for range cap(answers) - 1 {
		if again := <-answers; again != first {
			t.Error(again, first)
		}
	}
	if sent := o.chat.drafts(); len(sent) != 1 {
		t.Error(sent)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	a := answers{byKey: map[answerKey]*answer{}}
	now := time.Now()
	for i := range 2*maxAnswers - 1 { // of which every other one fails
		one, _, err := a.find(answerKey{idempotency: strconv.Itoa(i)}, [32]byte{}, now)
		if err != nil {
			t.Fatal(i, err)
		}
		var body []byte
		if i%2 == 0 {
			body = []byte{'x'}
		}
		a.keep(one, body)
	}
	if _, _, err := a.find(answerKey{"x", "new"}, [32]byte{}, now); err != errAnswers {
		t.Fatal(err)
	}
	if _, isFirst, err := a.find(answerKey{"x", "new"}, [32]byte{}, now.Add(rememberFor+2*workFor)); err != nil || !isFirst || len(a.byKey) != 1 {
		t.Fatal(err, len(a.byKey))
	}
}

func TestBusy(t *testing.T) {
	o := open(t)
	for range maxAtOnce {
		o.slots <- struct{}{}
	}
	if status, _, h := o.ask("GET", "/api/users", ""); status != 503 || h.Get("Retry-After") != "1" {
		t.Error(status)
	}
}
