package admin

import "net/http"

// userList is a page of who is there.
type userList struct {
	Online int      `json:"online"`
	Users  []string `json:"users"`
	Next   string   `json:"next"` // the after of the next page; "": this is the last
}

func (s *Server) users(c *call) (any, error) {
	q := c.query("after", "prefix", "limit")
	part := q.part()
	if q.bad != nil {
		return nil, q.bad
	}
	online, nicks, err := s.chat.Users(c.Context(), part)
	return userList{online, nicks, next(nicks, part.Limit)}, err
}

// next is where the page behind some names begins.
func next(names []string, limit int) string {
	if len(names) < limit {
		return ""
	}
	return names[len(names)-1]
}

func (s *Server) user(c *call) (any, error) {
	if q := c.query(); q.bad != nil {
		return nil, q.bad
	}
	return s.chat.User(c.Context(), c.names[0])
}

// there is who of some nicks is there.
type there struct {
	Online map[string]bool `json:"online"`
}

// maxAsked is how many nicks may be asked for at once.
const maxAsked = 100

func (s *Server) presence(c *call) (any, error) {
	q := c.query("nick*")
	if q.bad != nil {
		return nil, q.bad
	}
	nicks := q.values["nick"]
	if len(nicks) == 0 || len(nicks) > maxAsked {
		return nil, malformed("want 1 to 100 parameters nick")
	}
	for _, nick := range nicks {
		if len(nick) > maxNick {
			return nil, malformed("a nick is too long")
		}
	}
	online, err := s.chat.Presence(c.Context(), nicks)
	return there{online}, err
}

// roomList is a page of rooms.
type roomList struct {
	Count int    `json:"count"` // of all rooms
	Rooms []Room `json:"rooms"`
	Next  string `json:"next"`
}

func (s *Server) rooms(c *call) (any, error) {
	q := c.query("after", "prefix", "limit")
	part := q.part()
	if q.bad != nil {
		return nil, q.bad
	}
	count, rooms, err := s.chat.Rooms(c.Context(), part)
	list := roomList{Count: count, Rooms: rooms}
	if len(rooms) == part.Limit {
		list.Next = rooms[len(rooms)-1].Room
	}
	return list, err
}

func (s *Server) room(c *call) (any, error) {
	if q := c.query(); q.bad != nil {
		return nil, q.bad
	}
	name, count, _, err := s.chat.Members(c.Context(), c.names[0], Part{})
	if err == nil && count == 0 {
		err = refuse(http.StatusNotFound, "nobody is in "+name)
	}
	return Room{name, count}, err
}

// memberList is a page of who is in a room.
type memberList struct {
	Room
	Users []string `json:"users"`
	Next  string   `json:"next"`
}

func (s *Server) members(c *call) (any, error) {
	q := c.query("after", "prefix", "limit")
	part := q.part()
	if q.bad != nil {
		return nil, q.bad
	}
	name, count, nicks, err := s.chat.Members(c.Context(), c.names[0], part)
	return memberList{Room{name, count}, nicks, next(nicks, part.Limit)}, err
}
