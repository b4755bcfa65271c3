package room

import (
	"context"
	"time"

	"throng/room/event"
	"throng/room/history"
)

var errNoModerator = event.Forbidden("only moderators may do that")

// moderate does what a moderator asks for, or who deletes a message of its own. The answer comes when it is done.
func (s *Session) moderate(in event.In) *event.Error {
	if in.T != event.TypeDelete && !s.isModerator() {
		return errNoModerator
	}
	if in.Conv.Kind == event.ConvRoom && !s.isModerator() {
		if _, bad := s.inRoom(in.Conv.Name); bad != nil {
			return bad
		}
	}
	act := Act{
		Kind: ActKind(in.T.String()), Nick: in.Nick, Room: in.Room, Mid: in.Mid, Reason: in.Reason, Text: in.Text, By: s.name(),
	}
	if in.T == event.TypeReadOnly && !in.On {
		act.Kind = ActWritable
	}
	if in.For > 0 {
		act.Until = time.Now().Add(in.For)
	}
	s.hub.apart(func() {
		if in.T == event.TypeDelete {
			s.delete(in, act)
		} else {
			s.conclude(in.ID, s.hub.moderate(act))
		}
		s.peer.Flush()
	})
	return nil
}

// delete deletes a message: by an act of a moderator, or for who said it.
func (s *Session) delete(in event.In, act Act) {
	isModerator := s.isModerator()
	m, bad := s.hub.deletable(s.claim(), s.grant.Load(), in, isModerator)
	var word *post
	switch {
	case bad != nil:
	case isModerator:
		act.Mid = m.Mid
		bad = s.hub.moderate(act)
	default:
		word, bad = s.hub.takeBack(&m)
	}
	s.conclude(in.ID, bad)
	if word != nil {
		s.hub.road.mail.put(word)
	}
}

// conclude tells a client what has become of what it asked for.
func (s *Session) conclude(id []byte, bad *event.Error) {
	if bad != nil {
		s.refuse(id, bad)
		return
	}
	s.answer(id, func(b []byte) []byte { return event.AppendDone(b, id) })
}

// moderate is Moderate for who waits for an answer as long as for one of another node.
func (h *Hub) moderate(act Act) *event.Error {
	ctx, cancel := context.WithTimeout(context.Background(), answerWait)
	defer cancel()
	_, bad := h.perform(ctx, act)
	return bad
}

// deletable is the message that a delete means, if it may: a moderator any, others what they have said themselves. Who may not read
// another's message is not told that there is one.
func (h *Hub) deletable(claim uint64, g *Grant, in event.In, isModerator bool) (m history.Message, bad *event.Error) {
	m, ok, err := h.meant(claim, in)
	if h.check(err); err != nil {
		return m, errNoLook
	}
	peer, isDirect := otherSide(m.Conv, m.Claim)
	switch {
	case !ok || !isOfPeople(m.Conv):
		return m, errNoMessage
	case isModerator, m.Claim == claim:
		return m, nil
	case isDirect && peer != claim, m.Room != "" && g.mayJoin(Nick{m.Room, keyOf(m.Room)}) != nil:
		return m, errNoMessage
	}
	return m, event.Forbidden("only moderators may delete what others have said")
}

var (
	errNoMessage = event.NotFound("no such message")
	errNoLook    = event.Unavailable("the message cannot be looked up at present", retryAfter)
)

// meant is the message that a delete names: by its id, or by its place in a conversation as a claim calls it.
func (h *Hub) meant(claim uint64, in event.In) (m history.Message, ok bool, err error) {
	if in.Mid != "" {
		return h.config.Log.Find(in.Mid)
	}
	in.After, in.HasAfter, in.Before, in.Limit = max(in.Seq, 1)-1, true, in.Seq+1, 1
	t, msgs, _, err := h.turn(claim, in)
	if err != nil || t == nil || len(msgs) == 0 || msgs[0].Seq != in.Seq {
		return m, false, err
	}
	return msgs[0], true, nil
}
