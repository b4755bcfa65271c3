package history

import (
	"encoding/binary"
	"math"
)

// The first byte of a key tells what it is. Numbers are big-endian, so that keys sort as the numbers do.
const (
	keyClaim   = 'c' // claim id: Claim
	keyDedup   = 'd' // time bucket, claim id, cid: the first message with them
	keyHead    = 'h' // conversation: Head, as it was at Head.Last
	keyMarks   = 'k' // claim id, conversation: Marks
	keyMessage = 'm' // conversation, seq: Message
	keyNick    = 'n' // nick key, when the claim was made, claim id: nothing
	keyDirect  = 'p' // claim id, conversation: Direct
	keySeq     = 's' // seq: conversation
	keyAbout   = 'x' // what the log itself has to remember
)

var (
	aboutFormat  = []byte{keyAbout, 'f'} // version of this layout
	aboutEpoch   = []byte{keyAbout, 'e'}
	aboutCeiling = []byte{keyAbout, 'c'} // no seq above it was ever given out
	aboutFloor   = []byte{keyAbout, 'l'} // no seq of a direct conversation that was forgotten is above it; there is none before one was
	aboutMove    = []byte{keyAbout, 'm'} // the move that filled this log, as JSON; there is none in most
)

// maxName is how long a conversation's name or a nick's key may be, in bytes: a byte in front of it says how long it is.
const maxName = math.MaxUint8

// appendName puts a name in front of what belongs to it; no key of one name is a prefix of another's.
func appendName(k []byte, name string) []byte {
	return append(append(k, byte(len(name))), name...)
}

func messageKey(k []byte, conv string, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(appendName(append(k, keyMessage), conv), seq)
}

// parseMessageKey is the inverse of messageKey; ok is false for any other key.
func parseMessageKey(k []byte) (conv []byte, seq uint64, ok bool) {
	if len(k) < 2+8 || k[0] != keyMessage || len(k) != 2+int(k[1])+8 {
		return nil, 0, false
	}
	return k[2 : len(k)-8], binary.BigEndian.Uint64(k[len(k)-8:]), true
}

func headKey(k []byte, conv string) []byte { return appendName(append(k, keyHead), conv) }

func seqKey(k []byte, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(append(k, keySeq), seq)
}

func dedupKey(k []byte, bucket uint32, claim uint64, cid string) []byte {
	k = binary.BigEndian.AppendUint32(append(k, keyDedup), bucket)
	return append(binary.BigEndian.AppendUint64(k, claim), cid...)
}

func dedupBucketKey(bucket uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{keyDedup}, bucket)
}

// ofClaim is the start of all keys of a kind that belong to a claim.
func ofClaim(kind byte, claim uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{kind}, claim)
}

// claimConvKey is a claim's row of a kind for one conversation.
func claimConvKey(kind byte, claim uint64, conv string) []byte {
	return append(ofClaim(kind, claim), conv...)
}

// nickKey sorts the claims of one nick by age.
func nickKey(c Claim) []byte {
	k := binary.BigEndian.AppendUint64(nickPrefix(c.Key), uint64(c.Made))
	return binary.BigEndian.AppendUint64(k, c.ID)
}

func nickPrefix(key string) []byte { return appendName([]byte{keyNick}, key) }

// after is the smallest key above all that start with prefix, which must not be all 0xff.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; ; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
}

// nickKeyID is the claim's id at the end of a nickKey.
func nickKeyID(k []byte) (id uint64, ok bool) {
	if len(k) < 8 {
		return 0, false
	}
	return binary.BigEndian.Uint64(k[len(k)-8:]), true
}
