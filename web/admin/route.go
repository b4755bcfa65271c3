package admin

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// route is one thing that can be asked for.
type route struct {
	method string
	path   string // names in braces stand for one part of a path, which must not be empty
	scope  Scope
	isOpen bool // for everybody
	do     func(*call) (any, error)
	tell   func(*call) error // instead of do: answers by and by, for as long as it says itself. Its error is of before it began
}

// changes reports whether something is different afterwards.
func (r *route) changes() bool { return r.method != http.MethodGet }

// hasBody reports whether a JSON object comes with it.
func (r *route) hasBody() bool { return r.method == http.MethodPost || r.method == http.MethodPut }

// table is all that can be asked for. The OpenAPI document has the same.
func (s *Server) table() []route {
	return []route{
		{method: "GET", path: "/api/users", scope: Read, do: s.users},
		{method: "GET", path: "/api/users/{nick}", scope: Read, do: s.user},
		{method: "GET", path: "/api/rooms", scope: Read, do: s.rooms},
		{method: "GET", path: "/api/rooms/{room}", scope: Read, do: s.room},
		{method: "GET", path: "/api/rooms/{room}/members", scope: Read, do: s.members},
		{method: "GET", path: "/api/presence", scope: Read, do: s.presence},
		{method: "GET", path: "/api/history", scope: Read, do: s.history},
		{method: "GET", path: "/api/message/{mid}", scope: Read, do: s.message},
		{method: "GET", path: "/api/nodes", scope: Read, do: s.nodes},
		{method: "GET", path: "/api/stats", scope: Read, do: s.now},
		{method: "GET", path: "/api/series", scope: Read, do: s.series},
		{method: "GET", path: "/api/trace", scope: Admin, tell: s.trace},
		{method: "POST", path: "/api/publish", scope: Publish, do: s.publish},
		{method: "POST", path: "/api/broadcast", scope: Publish, do: s.broadcast},
		{method: "GET", path: "/api/motd", scope: Read, do: s.motd},
		{method: "PUT", path: "/api/motd", scope: Moderate, do: s.setMotd},
		{method: "POST", path: "/api/kick", scope: Moderate, do: s.striker("kick")},
		{method: "POST", path: "/api/mute", scope: Moderate, do: s.striker("mute")},
		{method: "POST", path: "/api/unmute", scope: Moderate, do: s.striker("unmute")},
		{method: "POST", path: "/api/ban", scope: Moderate, do: s.striker("ban")},
		{method: "POST", path: "/api/unban", scope: Moderate, do: s.striker("unban")},
		{method: "POST", path: "/api/readonly", scope: Moderate, do: s.readOnly},
		{method: "DELETE", path: "/api/message/{mid}", scope: Moderate, do: s.deleteMessage},
		{method: "GET", path: "/api/openapi.json", isOpen: true, do: s.openapi},
		{method: "GET", path: "/api/rules", scope: Moderate, do: s.rules},
		{method: "GET", path: "/api/audit", scope: Moderate, do: s.audit},
	}
}

var (
	errNoRoute = refuse(http.StatusNotFound, "there is nothing at this address: see /api/openapi.json")
	errMethod  = refuse(http.StatusMethodNotAllowed, "this address does not take this method: see Allow")
)

// route finds that of a request by its path as it was sent: nothing is cleaned, and a method is what the request line says.
func (s *Server) route(c *call) (found *route, names []string, bad *Error) {
	parts := strings.Split(c.URL.EscapedPath(), "/")
	var allowed []string
	method := c.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for i := range s.routes {
		r := &s.routes[i]
		some, ok := match(r.path, parts)
		switch {
		case !ok:
		case r.method == method:
			return r, some, nil
		default:
			allowed = append(allowed, r.method)
			if r.method == http.MethodGet {
				allowed = append(allowed, http.MethodHead)
			}
		}
	}
	if allowed == nil {
		return nil, nil, errNoRoute
	}
	slices.Sort(allowed)
	c.w.Header().Set("Allow", strings.Join(allowed, ", "))
	return nil, nil, errMethod
}

// match compares the path of a route with the parts of another, and returns what stands for its names.
func match(path string, parts []string) (names []string, ok bool) {
	wanted := strings.Split(path, "/")
	if len(wanted) != len(parts) {
		return nil, false
	}
	for i, want := range wanted {
		if !strings.HasPrefix(want, "{") {
			if parts[i] != want {
				return nil, false
			}
			continue
		}
		name, err := url.PathUnescape(parts[i])
		if err != nil || name == "" {
			return nil, false
		}
		names = append(names, name)
	}
	return names, true
}
