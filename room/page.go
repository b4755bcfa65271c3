package room

import (
	"throng/room/event"
	"throng/room/history"
)

// pageSize is how large a page of history becomes, in bytes of its messages; one message is always in it.
const pageSize = 256 << 10

// history answers with a page of a conversation.
func (s *Session) history(in event.In) *event.Error {
	if in.Conv.Kind == event.ConvRoom {
		if _, bad := s.inRoom(in.Conv.Name); bad != nil {
			return bad
		}
	}
	claim := s.claim()
	s.hub.apart(func() {
		text, bad := s.hub.page(claim, in)
		switch {
		case bad != nil:
			text = event.AppendErr(nil, in.ID, bad)
		case in.ID == nil:
			return // no reply is wanted
		}
		s.reply(text)
		s.peer.Flush()
	})
	return nil
}

// page reads a page of history.
func (h *Hub) page(claim uint64, in event.In) ([]byte, *event.Error) {
	page, bad := h.pageOf(claim, in)
	if bad != nil {
		return nil, bad
	}
	return event.AppendHistory(nil, &page), nil
}

// pageOf is page before it is encoded.
func (h *Hub) pageOf(claim uint64, in event.In) (event.History, *event.Error) {
	t, msgs, more, err := h.turn(claim, in)
	if h.check(err); err != nil {
		return event.History{}, event.Unavailable("the history cannot be read at present", retryAfter)
	}
	if t == nil {
		return event.History{}, event.NotFound("no such conversation: " + in.Conv.String())
	}
	msgs, isCut := cut(msgs, in.HasAfter)
	page := event.History{ID: in.ID, Conv: t.conv, More: more || isCut, Msgs: make([]event.Msg, len(msgs))}
	for i := range msgs {
		page.Msgs[i] = h.outgoing(&msgs[i], t.conv)
		if msgs[i].Claim == claim {
			page.Msgs[i].Cid = msgs[i].Cid
		}
	}
	return page, nil
}

// turn reads the messages of a page; of no thread when there is none.
func (h *Hub) turn(claim uint64, in event.In) (t *thread, msgs []history.Message, more bool, err error) {
	var known directs
	if in.Conv.Kind == event.ConvDirect {
		if known, err = h.directs(claim); err != nil {
			return nil, nil, false, err
		}
	}
	if t = h.locate(in.Conv, known); t == nil {
		return nil, nil, false, nil
	}
	if err = t.look(h.config.Log); err != nil {
		return nil, nil, false, err
	}
	after := in.After
	if in.HasAfter {
		after = max(after, 1)
	}
	msgs, more, err = t.read(h.config.Log, after, in.Before, in.Limit)
	return t, msgs, more, err
}

// cut leaves out what would make a page too large, at its far end: the newest when it goes on from a position, else the
// oldest.
func cut(msgs []history.Message, isForward bool) (page []history.Message, isCut bool) {
	size := 0
	for i := range msgs {
		at := i
		if !isForward {
			at = len(msgs) - 1 - i
		}
		if size += len(msgs[at].Body); size > pageSize && i > 0 {
			if isForward {
				return msgs[:at], true
			}
			return msgs[at+1:], true
		}
	}
	return msgs, false
}
