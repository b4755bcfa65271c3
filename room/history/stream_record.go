package history

import (
	"encoding/binary"
)

// appendStreamed encodes what the servers do not keep themselves, which are the conversation, the seq and the one before it.
func appendStreamed(b []byte, m *Message) []byte {
	b = append(b, recordVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(m.Ts))
	return appendSaid(b, m)
}

// appendStreamedKept is appendStreamed for a message that came from another log and has kept its id.
func appendStreamedKept(b []byte, m *Message) []byte {
	b = append(b, recordKept)
	b = binary.BigEndian.AppendUint64(b, uint64(m.Ts))
	return appendSaid(append(b, m.Mid...), m)
}

func appendSaid(b []byte, m *Message) []byte {
	b = binary.BigEndian.AppendUint64(b, m.Claim)
	for _, s := range [...]string{m.From, m.To, m.Room, m.Cid} {
		b = appendString(b, s)
	}
	return append(b, m.Body...)
}

// decodeStreamed is the inverse of both. The message keeps v.
func decodeStreamed(conv string, seq uint64, at born, v []byte) (Message, error) {
	d := decoder{rest: v}
	isKept := d.isKept()
	m := Message{Conv: conv, Seq: seq, Ts: int64(d.fixed())}
	if isKept {
		m.Mid = d.mid()
	} else {
		m.Mid = newMid(at, seq)
	}
	m.Claim = d.fixed()
	m.From, m.To, m.Room, m.Cid = d.string(), d.string(), d.string(), d.string()
	m.Body = d.rest
	if d.bad {
		return Message{}, errRecord
	}
	return m, nil
}
