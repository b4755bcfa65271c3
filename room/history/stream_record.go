package history

import (
	"encoding/binary"
)

// appendStreamed encodes what the servers do not keep themselves, which are the conversation, the seq and the one before it.
func appendStreamed(b []byte, m *Message) []byte {
	b = append(b, recordVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(m.Ts))
	b = binary.BigEndian.AppendUint64(b, m.Claim)
	for _, s := range [...]string{m.From, m.To, m.Room, m.Cid} {
		b = appendString(b, s)
	}
	return append(b, m.Body...)
}

// decodeStreamed is the inverse of appendStreamed. The message keeps v.
func decodeStreamed(conv string, seq uint64, at born, v []byte) (Message, error) {
	d := decoder{rest: v}
	d.version()
	m := Message{Conv: conv, Seq: seq, Mid: newMid(at, seq), Ts: int64(d.fixed()), Claim: d.fixed()}
	m.From, m.To, m.Room, m.Cid = d.string(), d.string(), d.string(), d.string()
	m.Body = d.rest
	if d.bad {
		return Message{}, errRecord
	}
	return m, nil
}
