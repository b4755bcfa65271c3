package room

import (
	"context"
	"net/http"

	"throng/room/event"
)

// Ask is which page of which conversation an operator wants to read.
type Ask struct {
	Room     string // a room's name
	User     string // a nick, with With: their direct conversation; nothing: everyone
	With     string // a nick
	Before   uint64 // the page that ends before this seq; 0: that of the newest
	After    uint64 // when HasAfter: the page that begins after this seq, instead
	HasAfter bool
	Limit    int // 1 to event.MaxPage
}

// History reads a page of any conversation. The errors are of type *event.Error; 404: there is no such conversation.
func (h *Hub) History(ctx context.Context, ask Ask) (event.History, error) {
	in := event.In{Conv: event.Everyone(), Before: ask.Before, After: ask.After, HasAfter: ask.HasAfter, Limit: ask.Limit}
	switch {
	case ask.User != "":
		return h.directPage(ctx, ask, in)
	case ask.Room != "":
		room, bad := h.anyRoom(ask.Room)
		if bad != nil {
			return event.History{}, bad
		}
		if room.Key != "" {
			in.Conv = event.Room(room.Name)
		}
	}
	page, bad := h.pageOf(0, in)
	if bad != nil {
		return page, bad
	}
	return page, nil
}

// directPage reads of a direct conversation. It is looked for from both sides: one of them may be gone for good.
func (h *Hub) directPage(ctx context.Context, ask Ask, in event.In) (event.History, error) {
	user, bad := readNick(ask.User)
	if bad != nil {
		return event.History{}, bad
	}
	with, bad := readNick(ask.With)
	if bad != nil {
		return event.History{}, bad
	}
	for _, side := range [...]struct{ of, with Nick }{{user, with}, {with, user}} {
		speaker, bad := h.speaker(ctx, side.of)
		if bad != nil {
			return event.History{}, bad
		}
		in.Conv = event.Direct(side.with.Name)
		switch page, bad := h.pageOf(speaker.claim, in); {
		case bad == nil:
			return page, nil
		case bad.Code != http.StatusNotFound:
			return page, bad
		}
	}
	return event.History{}, event.NotFound("no conversation between " + user.Name + " and " + with.Name)
}
