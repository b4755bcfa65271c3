package history

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"unsafe"
)

// recordVersion is the first byte of every value, so that a layout can change without rewriting the folder.
// Checksums are Pebble's: it has one on every block of its tables and on every chunk of its write-ahead log.
const recordVersion = 1

// recordKept is recordVersion of a message that came from another log and has kept its id, which its seq does not tell.
const recordKept = 2

var errRecord = errors.New("history: damaged record")

// born is when a message got its seq, which its id tells. It differs from Ts only if the caller had set that.
type born int64

// kept stands for when a message was born that has kept its id.
const kept born = -1

// appendMessage encodes what the key does not say.
func appendMessage(b []byte, m *Message, at born) []byte {
	b = appendVersion(b, at)
	b = binary.BigEndian.AppendUint64(b, uint64(m.Ts)) // first, so that retention can look at it alone
	if at == kept {
		b = append(b, m.Mid...)
	} else {
		b = binary.AppendVarint(b, int64(at)-m.Ts)
	}
	b = binary.AppendUvarint(b, m.Seq-m.Prev)
	b = binary.BigEndian.AppendUint64(b, m.Claim)
	for _, s := range [...]string{m.From, m.To, m.Room, m.Cid} {
		b = appendString(b, s)
	}
	return append(b, m.Body...)
}

// decodeMessage is the inverse of appendMessage. v is copied.
func decodeMessage(conv string, seq uint64, v []byte) (Message, error) {
	d := decoder{rest: append([]byte(nil), v...)}
	isKept := d.isKept()
	m := Message{Conv: conv, Seq: seq, Ts: int64(d.fixed())}
	if isKept {
		m.Mid = d.mid()
	} else {
		m.Mid = newMid(born(m.Ts+d.varint()), seq)
	}
	m.Prev = seq - d.uvarint()
	m.Claim = d.fixed()
	m.From, m.To, m.Room, m.Cid = d.string(), d.string(), d.string(), d.string()
	m.Body = d.rest
	if d.bad || m.Prev >= seq {
		return Message{}, errRecord
	}
	return m, nil
}

// messageTs is the Ts of an encoded message.
func messageTs(v []byte) (int64, error) {
	d := decoder{rest: v}
	d.isKept()
	ts := int64(d.fixed())
	if d.bad {
		return 0, errRecord
	}
	return ts, nil
}

// first is what is remembered of a message under its (Claim, Cid), even when retention has taken the message.
type first struct {
	conv string
	seq  uint64
	at   born
	mid  string // if at is kept
	ts   int64
}

// message is what is left of the message.
func (f first) message(id dedupID) Message {
	m := Message{Conv: f.conv, Seq: f.seq, Mid: f.mid, Ts: f.ts, Claim: id.claim, Cid: id.cid}
	if f.at != kept {
		m.Mid = newMid(f.at, f.seq)
	}
	return m
}

func appendFirst(b []byte, m *Message, at born) []byte {
	b = appendVersion(b, at)
	b = binary.AppendUvarint(b, m.Seq)
	if at == kept {
		b = append(b, m.Mid...)
	} else {
		b = binary.AppendVarint(b, int64(at))
	}
	b = binary.AppendVarint(b, m.Ts)
	return append(b, m.Conv...)
}

func decodeFirst(v []byte) (first, error) {
	d := decoder{rest: v}
	isKept := d.isKept()
	f := first{seq: d.uvarint(), at: kept}
	if isKept {
		f.mid = strings.Clone(d.mid())
	} else {
		f.at = born(d.varint())
	}
	f.ts, f.conv = d.varint(), string(d.rest)
	if d.bad || !isKept && f.at == kept {
		return first{}, errRecord
	}
	return f, nil
}

func appendHead(b []byte, h Head) []byte {
	b = append(b, recordVersion)
	for _, n := range [...]uint64{h.First, h.Last, h.Trimmed, uint64(h.Count), uint64(h.Bytes)} {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

func decodeHead(v []byte) (Head, error) {
	d := decoder{rest: v}
	d.version()
	h := Head{First: d.uvarint(), Last: d.uvarint(), Trimmed: d.uvarint(), Count: int64(d.uvarint()), Bytes: int64(d.uvarint())}
	if d.bad {
		return Head{}, errRecord
	}
	return h, nil
}

func encodeMarks(m Marks) []byte {
	b := []byte{recordVersion}
	for _, n := range [...]uint64{m.Sent, m.Recv, m.Read} {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

func decodeMarks(v []byte) (Marks, error) {
	d := decoder{rest: v}
	d.version()
	m := Marks{Sent: d.uvarint(), Recv: d.uvarint(), Read: d.uvarint()}
	if d.bad {
		return Marks{}, errRecord
	}
	return m, nil
}

func encodeClaim(c Claim) []byte {
	b := []byte{recordVersion}
	b = appendString(appendString(b, c.Nick), c.Key)
	b = binary.AppendVarint(binary.AppendVarint(b, c.Made), c.Away)
	return append(b, c.Secret...)
}

func decodeClaim(id uint64, v []byte) (Claim, error) {
	d := decoder{rest: append([]byte(nil), v...)}
	d.version()
	c := Claim{ID: id, Nick: d.string(), Key: d.string(), Made: d.varint(), Away: d.varint(), Secret: d.rest}
	if d.bad {
		return Claim{}, errRecord
	}
	return c, nil
}

func encodeDirect(peer uint64, nick string) []byte {
	b := []byte{recordVersion}
	return append(binary.BigEndian.AppendUint64(b, peer), nick...)
}

func decodeDirect(conv string, v []byte) (Direct, error) {
	d := decoder{rest: v}
	d.version()
	direct := Direct{Conv: conv, Peer: d.fixed(), PeerNick: string(d.rest)}
	if d.bad {
		return Direct{}, errRecord
	}
	return direct, nil
}

// appendVersion begins the record of a message, or of what is remembered of one.
func appendVersion(b []byte, at born) []byte {
	if at == kept {
		return append(b, recordKept)
	}
	return append(b, recordVersion)
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// decoder cuts a record from the front. After the first mistake everything is zero, and bad is set.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) fail() { d.rest, d.bad = nil, true }

func (d *decoder) version() {
	if len(d.rest) == 0 || d.rest[0] != recordVersion {
		d.fail()
		return
	}
	d.rest = d.rest[1:]
}

// isKept is version for a message, which has one of two.
func (d *decoder) isKept() bool {
	if len(d.rest) > 0 && d.rest[0] == recordKept {
		d.rest = d.rest[1:]
		return true
	}
	d.version()
	return false
}

func (d *decoder) fixed() uint64 {
	if len(d.rest) < 8 {
		d.fail()
		return 0
	}
	n := binary.BigEndian.Uint64(d.rest)
	d.rest = d.rest[8:]
	return n
}

func (d *decoder) uvarint() uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) varint() int64 {
	n, size := binary.Varint(d.rest)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

// string is a part of rest, not a copy: whoever wants strings gives the decoder bytes that nobody changes.
func (d *decoder) string() string {
	return d.text(d.uvarint())
}

// mid is the id of a message that has kept it; like string it is a part of rest.
func (d *decoder) mid() string {
	mid := d.text(midSize)
	if _, ok := midSeqOf(mid); !ok {
		d.fail()
	}
	return mid
}

func (d *decoder) text(n uint64) string {
	if n > math.MaxInt32 || int(n) > len(d.rest) {
		d.fail()
		return ""
	}
	s := unsafe.String(unsafe.SliceData(d.rest), int(n))
	d.rest = d.rest[n:]
	return s
}
