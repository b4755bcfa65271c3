package room

import (
	"time"

	"throng/room/event"
)

// Session is one person's connection to the chat. Message is called on the connection's loop; the other fields
// belong to its shard.
type Session struct {
	hub   *Hub
	shard *shard
	peer  Peer // set by Enter, before the loop or the shard sees the session
	nick  Nick
	pace  pace // the loop's

	// Owned by the shard.
	index   int    // in shard.members; -1 before entering and after leaving
	since   uint64 // broadcasts that the shard had taken when the session entered: they are not for it
	isDirty bool   // frames were queued and are to be flushed
}

// Message takes one message from the client. payload stays the caller's.
func (s *Session) Message(isBinary bool, payload []byte) {
	switch {
	case isBinary:
		s.peer.Close(closeUnsupported, "chat is text")
		return
	default:
		switch s.pace.judge(time.Now()) {
		case beyond:
			s.tell("slow down: too many messages a second; this one was not sent")
			return
		case goesOn:
			s.peer.Close(closeRate, "too many messages a second")
			return
		}
	}
	if err := s.receive(payload); err != nil {
		s.tell(err.Message)
	}
}

// receive sends a frame of the tutorial dialect on its road.
func (s *Session) receive(payload []byte) *event.Error {
	in, err := event.DecodeTutorial(payload)
	if err != nil {
		return err
	}
	p := post{from: s, message: in.Message}
	if in.To != "" {
		if p.to, err = ParseNick(in.To); err != nil {
			return errNobody(in.To)
		}
	}
	return s.hub.road.take(p)
}

// Closed ends the session: the nick is free again for whoever comes after.
func (s *Session) Closed() { s.shard.mail.put(leave{s}) }

// tell sends the client a word of the server's own.
func (s *Session) tell(reason string) {
	text := event.AppendTutorial(nil, event.System, s.nick.Name, event.AppendString(nil, reason))
	s.peer.Send(s.hub.config.Wire.Message(false, text))
}
