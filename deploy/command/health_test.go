package command

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestHealth asks a server that is ready, one that is not, and none.
func TestHealth(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte("as it is\n"))
	}))
	defer server.Close()
	addr := strings.TrimPrefix(server.URL, "http://")
	for _, c := range []struct {
		name, admin string
		status      int
		code        int
		out         string
	}{
		{name: "ready", admin: addr, status: http.StatusOK, code: Done, out: "as it is\n"},
		{name: "by its port", admin: addr[strings.LastIndexByte(addr, ':'):], status: http.StatusOK, code: Done, out: "as it is\n"},
		{name: "not ready", admin: addr, status: http.StatusServiceUnavailable, code: Failed, out: "as it is\n"},
		{name: "not there", admin: "127.0.0.1:1", code: Failed},
		{name: "off", admin: "off", code: Usage},
	} {
		status = c.status
		var out, err strings.Builder
		if code := Health(t.Context(), nil, []string{"THRONG_ADMIN=" + c.admin}, &out, &err); code != c.code || out.String() != c.out {
			t.Errorf("%s: exit code %d, %q, %q", c.name, code, out.String(), err.String())
		}
	}
}
