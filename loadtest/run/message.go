package run

import (
	"bytes"
	"hash/crc32"

	"throng/loadtest/ledger"
)

// message is a msg, and what is looked at of it. Its slices are parts of the object that was read.
type message struct {
	ledger.Reading
	seq, prev uint64
	conv      []byte
	cid       []byte // nil: none
}

// readMessage reads a msg: this server writes seq, prev, conv and cid behind the text. It goes through the members there one
// by one, which is cheaper than to search for each.
func readMessage(object []byte) (m *message, ok bool) {
	text, from, rest, ok := ledger.Find(object)
	if !ok || len(rest) == 0 {
		return nil, false
	}
	m = &message{Reading: ledger.Read(text, from)}
	rest = rest[1:] // the end of the text
	for len(rest) > 4 && rest[0] == ',' {
		end := 2 + bytes.IndexByte(rest[2:], '"')
		if end < 2 || end+2 >= len(rest) {
			return nil, false
		}
		key := rest[2:end]
		rest = rest[end+2:] // what stands behind the colon
		if rest[0] != '"' {
			n, size := digits(rest)
			switch string(key) {
			case "seq":
				m.seq = n
			case "prev":
				m.prev = n
			}
			rest = rest[size:]
			continue
		}
		if end = 1 + bytes.IndexByte(rest[1:], '"'); end < 1 {
			return nil, false
		}
		switch string(key) {
		case "conv":
			m.conv = rest[1:end]
		case "cid":
			m.cid = rest[1:end]
		}
		rest = rest[end+1:]
	}
	return m, m.seq > 0 && m.conv != nil && string(rest) == "}"
}

// shared is messages that many users get, in the same bytes and soon one after another. Each is read once, and known again:
// that makes a delivery cheaper here than reading it. The loop owns it.
type shared struct {
	slots [1024]struct {
		object  []byte
		message *message
	}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// slot is where an object may stand. Its end, with the seq and the time, tells two of them apart.
func (s *shared) slot(object []byte) int {
	const end = 96
	return int(crc32.Checksum(object[max(len(object)-end, 0):], castagnoli)) % len(s.slots)
}

// find is a message that was read already; nil for what was not, or is none.
func (s *shared) find(object []byte) *message {
	if at := &s.slots[s.slot(object)]; bytes.Equal(at.object, object) {
		return at.message
	}
	return nil
}

// read is the message of an object that is one; nil if it is not one after all. It may refer to the object.
func (s *shared) read(object []byte) *message {
	if m := s.find(object); m != nil {
		return m
	}
	m, ok := readMessage(object)
	if !ok {
		return nil
	}
	if m.Stamp.Kind != ledger.Direct {
		m.conv, m.cid = bytes.Clone(m.conv), bytes.Clone(m.cid)
		at := &s.slots[s.slot(object)]
		at.object, at.message = append(at.object[:0], object...), m
	}
	return m
}
