package admin

import "net/http"

// history is a page of what was said. Between two people it is not for everybody who may read.
func (s *Server) history(c *call) (any, error) {
	q := c.query("room", "user", "with", "before", "after", "limit")
	a := Ask{
		Room: q.text("room"), User: q.text("user"), With: q.text("with"), Before: q.seq("before"), After: q.seq("after"),
		HasAfter: q.has("after"), Limit: int(q.number("limit", 1, maxMessages, defaultLimit)),
	}
	switch {
	case q.bad != nil:
		return nil, q.bad
	case (a.User == "") != (a.With == ""):
		return nil, malformed("want user and with: a conversation is between two")
	case a.User != "" && a.Room != "":
		return nil, malformed("want a room, or user and with, or none for everyone")
	case a.HasAfter && q.has("before"):
		return nil, malformed("want one of before and after")
	case a.User != "" && !c.key.allows(Admin):
		return nil, refuse(http.StatusForbidden, "the key lacks the scope admin, which direct conversations need")
	}
	return s.chat.History(c.Context(), a)
}

func (s *Server) message(c *call) (any, error) {
	if q := c.query(); q.bad != nil {
		return nil, q.bad
	}
	return s.chat.Message(c.Context(), c.names[0])
}
