package room

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"throng/room/event"
)

// rules is what is in force. Those that others see are immutable.
type rules struct {
	bans   map[string]*Act // by nick key
	nets   nets
	mutes  mutes
	closed map[string]*Act // read-only rooms, by key
	motd   *Act
}

// mutes are by nick key, then by room key; "" is every room and everybody.
type mutes map[string]map[string]*Act

// nets are banned addresses.
type nets struct {
	byPrefix map[netip.Prefix]*Act
	lengths  []int // of the prefixes, each once
}

func newRules() *rules {
	return &rules{bans: map[string]*Act{}, nets: nets{byPrefix: map[netip.Prefix]*Act{}}, mutes: mutes{}, closed: map[string]*Act{}}
}

// isLive is that there is such a rule, and that it is not over.
func isLive(a *Act, now time.Time) bool { return a != nil && (a.Until.IsZero() || now.Before(a.Until)) }

// with is what is in force after one more act. What is over by then falls out.
func (r *rules) with(act Act, now time.Time) *rules {
	if act.Kind == ActKick || act.Kind == ActDelete {
		return r // they are done at once, and nothing stays in force
	}
	next := &rules{
		bans: maps.Clone(r.bans), nets: nets{byPrefix: maps.Clone(r.nets.byPrefix)}, mutes: mutes{}, closed: maps.Clone(r.closed), motd: r.motd,
	}
	for nick, byRoom := range r.mutes {
		next.mutes[nick] = maps.Clone(byRoom)
	}
	next.fold(act)
	next.tidy(now)
	return next
}

// fold adds an act to rules that nobody else sees yet.
func (r *rules) fold(act Act) {
	nick, room := keyOf(act.Nick), keyOf(act.Room)
	act.Seq = 0
	switch act.Kind {
	case ActMute:
		if r.mutes[nick] == nil {
			r.mutes[nick] = map[string]*Act{}
		}
		r.mutes[nick][room] = &act
	case ActUnmute:
		if room == "" {
			delete(r.mutes, nick)
		} else {
			delete(r.mutes[nick], room)
		}
	case ActBan:
		if nick != "" {
			r.bans[nick] = &act
		} else {
			r.nets.byPrefix[act.Addr] = &act
		}
	case ActUnban:
		delete(r.bans, nick)
		delete(r.nets.byPrefix, act.Addr)
	case ActReadOnly:
		r.closed[room] = &act
	case ActWritable:
		delete(r.closed, room)
	case ActMotd:
		if r.motd = &act; act.Text == nil {
			r.motd = nil
		}
	}
}

// tidy drops what is over, and makes rules ready to be asked.
func (r *rules) tidy(now time.Time) {
	isOver := func(a *Act) bool { return !isLive(a, now) }
	maps.DeleteFunc(r.bans, func(_ string, a *Act) bool { return isOver(a) })
	maps.DeleteFunc(r.nets.byPrefix, func(_ netip.Prefix, a *Act) bool { return isOver(a) })
	maps.DeleteFunc(r.mutes, func(_ string, byRoom map[string]*Act) bool {
		maps.DeleteFunc(byRoom, func(_ string, a *Act) bool { return isOver(a) })
		return len(byRoom) == 0
	})
	lengths := map[int]bool{}
	for p := range r.nets.byPrefix {
		lengths[p.Bits()] = true
	}
	r.nets.lengths = slices.Collect(maps.Keys(lengths))
}

// count is how many rules there are, of which some may be over.
func (r *rules) count() int {
	n := len(r.bans) + len(r.nets.byPrefix) + len(r.closed)
	for _, byRoom := range r.mutes {
		n += len(byRoom)
	}
	if r.motd != nil {
		n++
	}
	return n
}

// list is all that is not over, in the order in which it was done.
func (r *rules) list(now time.Time) []Rule {
	all := make([]Rule, 0, r.count())
	add := func(a *Act) {
		if isLive(a, now) {
			all = append(all, *a)
		}
	}
	for _, a := range r.bans {
		add(a)
	}
	for _, a := range r.nets.byPrefix {
		add(a)
	}
	for _, byRoom := range r.mutes {
		for _, a := range byRoom {
			add(a)
		}
	}
	for _, a := range r.closed {
		add(a)
	}
	add(r.motd)
	slices.SortFunc(all, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// find is the ban of an address; nil: there is none.
func (n *nets) find(addr netip.Addr, now time.Time) *Act {
	addr = addr.Unmap().WithZone("")
	for _, bits := range n.lengths {
		if p, err := addr.Prefix(bits); err == nil && isLive(n.byPrefix[p], now) {
			return n.byPrefix[p]
		}
	}
	return nil
}

// find is the mute of a nick, by its key, in a room; nil: there is none.
func (m mutes) find(nick, room string, now time.Time) *Act {
	byRoom := m[nick]
	if byRoom == nil {
		return nil
	}
	for _, where := range [...]string{"", room} {
		if isLive(byRoom[where], now) {
			return byRoom[where]
		}
	}
	return nil
}

// has is that an unmute has something to lift.
func (m mutes) has(nick, room string, now time.Time) bool {
	for where, a := range m[keyOf(nick)] {
		if isLive(a, now) && (room == "" || where == keyOf(room)) {
			return true
		}
	}
	return false
}

// refusal is why somebody is not let in; nil: they are.
func (r *rules) refusal(nick string, addr netip.Addr, now time.Time) *event.Error {
	ban := r.bans[nick]
	if !isLive(ban, now) {
		ban = r.nets.find(addr, now)
	}
	if ban == nil {
		return nil
	}
	return event.Forbidden(ban.notice(now))
}

// silence is why somebody may not speak in a room, or to somebody (""); nil: they may.
func (r *rules) silence(nick, room string, isModerator bool, now time.Time) *event.Error {
	if a := r.mutes.find(nick, room, now); a != nil {
		return event.Forbidden(a.notice(now))
	}
	if a := r.closed[room]; a != nil && !isModerator {
		return event.Forbidden(a.notice(now))
	}
	return nil
}

// notice tells people what strikes them, for how long yet, and why.
func (a *Act) notice(now time.Time) string {
	text := map[ActKind]string{
		ActKick: "you were sent away", ActBan: "you are banned", ActMute: "you are muted",
		ActReadOnly: "only moderators may write here",
	}[a.Kind]
	if a.Kind == ActMute && a.Room != "" {
		text += " in " + a.Room
	}
	if !a.Until.IsZero() {
		text += " for " + max(a.Until.Sub(now).Round(time.Second), time.Second).String() + " more"
	}
	if a.Reason != "" {
		text += ": " + a.Reason
	}
	return text
}
