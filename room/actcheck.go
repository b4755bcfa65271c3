package room

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"time"
	"unicode/utf8"

	"throng/room/event"
)

// actForm is what an act of a kind has to have, and what it may have.
type actForm struct{ nick, addr, room, mid, text, until field }

type field uint8

const (
	none  field = iota
	may         // have it
	must        // have it
	other       // must have this one, or the other that is so
)

var actForms = map[ActKind]actForm{
	ActKick:     {nick: must},
	ActMute:     {nick: must, room: may, until: may},
	ActUnmute:   {nick: must, room: may},
	ActBan:      {nick: other, addr: other, until: may},
	ActUnban:    {nick: other, addr: other},
	ActDelete:   {mid: must},
	ActReadOnly: {room: must},
	ActWritable: {room: must},
	ActMotd:     {text: may},
}

// checkAct looks whether an act makes sense, and brings what it has into the form in which it is compared.
func checkAct(act Act, now time.Time) (entry, *event.Error) {
	form, ok := actForms[act.Kind]
	if !ok {
		return entry{}, event.Malformed("unknown kind of act")
	}
	for _, f := range [...]struct {
		name string
		is   field
		has  bool
	}{
		{"nick", form.nick, act.Nick != ""}, {"addr", form.addr, act.Addr != netip.Prefix{}}, {"room", form.room, act.Room != ""},
		{"mid", form.mid, act.Mid != ""}, {"text", form.text, act.Text != nil}, {"until", form.until, !act.Until.IsZero()},
	} {
		if f.is == none && f.has {
			return entry{}, event.Malformed(string(act.Kind) + " has no " + f.name)
		}
		if f.is == must && !f.has {
			return entry{}, event.Malformed(string(act.Kind) + " needs a " + f.name)
		}
	}
	if form.addr == other && (act.Nick != "") == (act.Addr != netip.Prefix{}) {
		return entry{}, event.Malformed(string(act.Kind) + " needs a nick or an addr")
	}
	bad := act.normalise(now)
	act.ID, act.At, act.Seq = "", time.Time{}, 0
	return entry{Act: act}, bad
}

// normalise checks the values of an act and makes those equal that mean the same.
func (a *Act) normalise(now time.Time) *event.Error {
	if a.Nick != "" {
		nick, bad := ParseNick(a.Nick)
		if bad != nil {
			return bad
		}
		a.Nick = nick.Name
	}
	if a.Room != "" {
		room, bad := ParseNick(a.Room)
		if bad != nil {
			return badRoom(bad)
		}
		a.Room = room.Name
	}
	switch {
	case len(a.Reason) > maxReason || !utf8.ValidString(a.Reason):
		return event.Malformed("a reason must be UTF-8 of at most 500 bytes")
	case !a.Until.IsZero() && !a.Until.After(now):
		return event.Malformed("until must not be over")
	case len(a.Mid) > maxMid:
		return event.Malformed("that is not the id of a message")
	}
	if bad := a.normaliseText(); bad != nil {
		return bad
	}
	return a.normaliseAddr()
}

// maxMid is how many bytes an id of a message can have, and more.
const maxMid = 64

// normaliseText brings a message of the day on one line; one that says nothing becomes none.
func (a *Act) normaliseText() *event.Error {
	if len(a.Text) == 0 {
		a.Text = nil
		return nil
	}
	var line bytes.Buffer
	if len(a.Text) > maxMotd || !utf8.Valid(a.Text) || json.Compact(&line, a.Text) != nil {
		return event.Malformed("a message of the day must be JSON of at most 4096 bytes")
	}
	if a.Text = line.Bytes(); string(a.Text) == "null" || string(a.Text) == `""` {
		a.Text = nil
	}
	return nil
}

// normaliseAddr clears what lies behind the prefix. An IPv4 address in the clothes of an IPv6 one is an IPv4 address.
func (a *Act) normaliseAddr() *event.Error {
	if a.Addr == (netip.Prefix{}) {
		return nil
	}
	const mapped = 96 // bits in front of an IPv4 address (RFC 4291, section 2.5.5.2)
	if a.Addr.Addr().Is4In6() && a.Addr.Bits() >= mapped {
		a.Addr = netip.PrefixFrom(a.Addr.Addr().Unmap(), a.Addr.Bits()-mapped)
	}
	if !a.Addr.IsValid() || a.Addr.Bits() == 0 || a.Addr.Addr().Is4In6() {
		return event.Malformed("addr must be an address, or a prefix of at least one bit")
	}
	a.Addr = a.Addr.Masked()
	return nil
}
