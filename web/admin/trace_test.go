package admin

import (
	"strings"
	"testing"
)

// A trace is lines of JSON for the time that was asked for, or until the server is closed; what is refused is refused as elsewhere.
func TestTrace(t *testing.T) {
	o := open(t)
	for _, c := range []struct {
		query string
		want  int
		text  string
	}{
		{"nick=<bob>&for=1ms&body=1", 200, `{"body":true,"nick":"<bob>","what":0}` + "\n" + `{"body":true,"nick":"<bob>","what":1}` + "\n"},
		{"mid=m1&for=1ms", 200, `{"body":false,"nick":"m1","what":0}`},
		{"nick=nobody", 400, `"code":"bad_request"`},
		{"nick=bob&for=1h", 400, "up to 10m"},
		{"nick=bob&for=-1s", 400, "up to 10m"},
		{"nick=bob&for=x", 400, "up to 10m"},
		{"nick=bob&for=", 400, "up to 10m"},
		{"nick=bob&body=2", 400, "want body"},
		{"nick=bob&nick=bob", 400, "twice"},
		{"nick=bob&bodies=1", 400, "unknown parameter"},
	} {
		status, text, headers := o.ask("GET", "/api/trace?"+c.query, "")
		kind := "application/json"
		if c.want == 200 {
			kind = "application/x-ndjson"
		}
		if status != c.want || !strings.Contains(text, c.text) || headers.Get("Content-Type") != kind {
			t.Errorf("%s: %d %s %s", c.query, status, headers.Get("Content-Type"), text)
		}
	}
	ended := make(chan int)
	go func() {
		status, _, _ := o.ask("GET", "/api/trace?nick=bob&for=10m", "")
		ended <- status
	}()
	o.Close()
	if status := <-ended; status != 200 && status != 503 { // 503: it came too late
		t.Error(status)
	}
}
