package server

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestOneRequestID: the answer, what it says, and the log have one id for a request, which is the caller's if there is one.
func TestOneRequestID(t *testing.T) {
	var log bytes.Buffer
	h := boot(t)
	handler := identified(h.api, "private", slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	for _, sent := range []string{"order:7", "", "no word"} {
		log.Reset()
		r, answer := httptest.NewRequest("GET", "/api/users", nil), httptest.NewRecorder()
		r.Header.Set("X-Request-Id", sent)
		handler.ServeHTTP(answer, r)
		id := answer.Header().Get("X-Request-Id")
		if isOurs := id != sent; id == "" || isOurs != (sent != "order:7") || !strings.Contains(answer.Body.String(), `"request_id":"`+id+`"`) ||
			!strings.Contains(log.String(), " request="+id+" ") {
			t.Errorf("%q: %q, %s, %s", sent, id, answer.Body, &log)
		}
	}
}
