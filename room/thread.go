package room

import (
	"cmp"
	"fmt"
	"slices"

	"throng/room/event"
	"throng/room/history"
)

// The names of conversations in the log.
const (
	convEveryone = "all"
	// convHook is what has happened besides what was said; see hook.go. Nobody can say or read anything there.
	convHook = "hook"
	// convUnsaid is what people have taken back of what they said themselves; see delete.go. Nobody can say or read anything there.
	convUnsaid = "unsaid"
)

func convRoom(key string) string { return "r/" + key }

// convOf is that of a room, or of the chat.
func convOf(room Nick) string {
	if room.Key == everywhere {
		return convEveryone
	}
	return convRoom(room.Key)
}

// convDirect is the conversation between two claims, whichever speaks.
func convDirect(a, b uint64) string { return fmt.Sprintf("d/%016x/%016x", min(a, b), max(a, b)) }

// thread is a conversation as one claim sees it. A direct one is several in the log when its other side's nick had
// several bearers, each with a claim of its own. Seqs are of one counter: they tell in which order all of it was said.
type thread struct {
	conv    event.Conv
	parts   []part // when look has been called, the latest first
	last    uint64 // highest seq of all parts; set by look
	trimmed uint64 // highest seq that was removed from a part, or may have been; set by look
	floor   uint64 // highest seq that a part may have had that is forgotten
}

// part is a conversation in the log. One that is not direct has no more of history.Direct than Conv.
type part struct {
	history.Direct
	head history.Head
	seen uint64 // what is no newer need not be read forwards; 0: read all
}

// single is a conversation that is one in the log too.
func single(conv event.Conv, stored string) *thread {
	return &thread{conv: conv, parts: []part{{Direct: history.Direct{Conv: stored}}}}
}

// directs are the direct conversations of a claim.
type directs struct {
	byKey map[string]*thread // by the other side's nick key
	floor uint64             // highest seq that one may have had that is forgotten; 0: none is
}

func (h *Hub) directs(claim uint64) (directs, error) {
	all, floor, err := h.config.Log.Directs(claim)
	byKey := make(map[string]*thread, len(all))
	for _, d := range all {
		nick, bad := readNick(d.PeerNick)
		if bad != nil {
			continue
		}
		t := byKey[nick.Key]
		if t == nil {
			t = &thread{conv: event.Direct(d.PeerNick), floor: floor}
			byKey[nick.Key] = t
		}
		t.parts = append(t.parts, part{Direct: d})
	}
	return directs{byKey, floor}, err
}

// locate finds what a client means by the name of a conversation, which may be a direct one; nil for nothing.
func (h *Hub) locate(conv event.Conv, known directs) *thread {
	if conv.Kind == event.ConvAll {
		return single(conv, convEveryone)
	}
	if conv.Kind == event.ConvDirect {
		peer, _ := readNick(conv.Name) // "" has no conversation
		return known.byKey[peer.Key]
	}
	nick, bad := ParseNick(conv.Name)
	switch {
	case bad != nil:
		return nil
	case nick.Key == everywhere:
		return single(event.Everyone(), convEveryone)
	}
	return single(event.Room(h.places.name(nick).Name), convRoom(nick.Key))
}

// look notes how far the conversation has got, and calls it by the nick of its latest bearer.
func (t *thread) look(log history.Log) error {
	t.last, t.trimmed = 0, t.floor
	for i := range t.parts {
		p := &t.parts[i]
		head, err := log.Head(p.Conv)
		if err != nil {
			return err
		}
		p.head = head
		t.last, t.trimmed = max(t.last, head.Last), max(t.trimmed, head.Trimmed)
	}
	slices.SortFunc(t.parts, func(a, b part) int { return cmp.Compare(b.head.Last, a.head.Last) })
	if t.conv.Kind == event.ConvDirect {
		t.conv = event.Direct(t.parts[0].PeerNick)
	}
	return nil
}

// read gives messages as history.Log does, each with the seq before it in the whole as Prev. Of several parts it reads up to
// the end that look found: what was stored by then can be seen in all of them.
func (t *thread) read(log history.Log, after, before uint64, limit int) (msgs []history.Message, more bool, err error) {
	if len(t.parts) == 1 {
		return log.Read(t.parts[0].Conv, t.parts[0].after(after), before, limit)
	}
	if before == 0 || before > t.last {
		before = t.last + 1
	}
	for i := range t.parts {
		p := &t.parts[i]
		if after > 0 {
			p = &t.parts[len(t.parts)-1-i] // the oldest first
		}
		from := p.after(after)
		switch {
		case p.head.Last <= max(from, p.head.Trimmed), p.head.First >= before:
			continue
		case len(msgs) == limit && p.isBeyond(msgs, after > 0):
			more = true
			continue
		}
		some, others, err := log.Read(p.Conv, from, before, limit)
		if err != nil {
			return nil, false, err
		}
		isCut := false
		msgs, isCut = merge(msgs, some, limit, after > 0)
		more = more || others || isCut
	}
	return msgs, more, t.link(log, msgs)
}

// after is from where on the part is to be read, if it is to be read forwards.
func (p *part) after(after uint64) uint64 {
	if after == 0 {
		return 0
	}
	return max(after, p.seen)
}

// isBeyond reports whether all of the part is further on than all of a page.
func (p *part) isBeyond(page []history.Message, isForward bool) bool {
	if isForward {
		return p.head.First > page[len(page)-1].Seq
	}
	return p.head.Last < page[0].Seq
}

// merge puts more messages into a page, and reports whether those that are furthest on had to be left out.
func merge(page, more []history.Message, limit int, isForward bool) (merged []history.Message, isCut bool) {
	page = append(page, more...)
	slices.SortFunc(page, func(a, b history.Message) int { return cmp.Compare(a.Seq, b.Seq) })
	switch {
	case len(page) <= limit:
		return page, false
	case isForward:
		return page[:limit], true
	}
	return page[len(page)-limit:], true
}

// link sets what is before each message in the whole: the log says what is before it in its part.
func (t *thread) link(log history.Log, msgs []history.Message) error {
	if len(msgs) == 0 {
		return nil
	}
	for i := range msgs[1:] {
		msgs[i+1].Prev = max(msgs[i+1].Prev, msgs[i].Seq)
	}
	first := &msgs[0]
	for i := range t.parts {
		p := &t.parts[i]
		switch {
		case p.head.Last < first.Seq:
			first.Prev = max(first.Prev, p.head.Last)
		case p.Conv != first.Conv && p.head.First < first.Seq:
			before, _, err := log.Read(p.Conv, 0, first.Seq, 1)
			if err != nil {
				return err
			}
			if len(before) > 0 {
				first.Prev = max(first.Prev, before[0].Seq)
			} else if p.head.Trimmed < first.Seq {
				first.Prev = max(first.Prev, p.head.Trimmed)
			}
		}
	}
	return nil
}
