package server

import (
	"net/http"
	"testing"
)

// TestNoNick has whoever asks for the chat without a nick be refused as with a bad one, whether the slash before it is there or not.
func TestNoNick(t *testing.T) {
	r := start(t, nil)
	for _, path := range []string{"/conn/ws", "/conn/ws/"} {
		if _, status := r.knock(path, false, nil); status != http.StatusBadRequest {
			t.Errorf("%s, tutorial: %d", path, status)
		}
		c, status := r.knock(path, true, nil)
		if status != http.StatusSwitchingProtocols {
			t.Fatalf("%s, version 2: %d", path, status)
		}
		if _, closed := c.ends(); closed.Code != 4500 {
			t.Errorf("%s, version 2: %v", path, closed)
		}
	}
}
