package history

import (
	"errors"
	"log/slog"
	"time"
)

// What a Log may say of how durably it stores: Config.Durability and Log.Durability.
const (
	DurabilityMem   = "mem"   // gone when the process ends
	DurabilityOS    = "os"    // survives the process, even killed; the newest seconds may be lost with the power
	DurabilityFsync = "fsync" // survives the loss of power

	DurabilityQuorum = "quorum" // a Stream's, with three replicas: survives the loss of any one server
)

// Errors that a caller may tell apart with errors.Is. What else a Log returns is an I/O error of the moment.
var (
	// ErrSpace is that the disk is too full to store. Append works again by itself when there is space.
	ErrSpace = errors.New("history: no space left on the disk")
	// ErrDown is that the store failed and is being opened again in the background, or that a Stream's servers do not answer.
	ErrDown = errors.New("history: the store is down")
	// ErrClosed is a call after Close.
	ErrClosed = errors.New("history: closed")
	// ErrLocked is that another process has the folder.
	ErrLocked = errors.New("history: the folder is in use by another process")
	// ErrUnfinished is that another log is being moved here, and the move has to be run again to its end.
	ErrUnfinished = errors.New("history: a move into this log was not finished")
	// ErrFormat is that the folder was written by a newer version, or is no folder of ours.
	ErrFormat = errors.New("history: the folder is of an unknown format")
)

// Claim is who a nick is at present, or was.
type Claim struct {
	ID     uint64 // not 0
	Nick   string // as shown
	Key    string // comparison key of the nick; several claims of the past may have the same
	Secret []byte // SHA-256 of the resume secret
	Made   int64  // ms since 1970
	Away   int64  // ms since 1970: when it last went away; 0: present, or never said
}

// Message is one stored message. Its Body is shared between all who read it and must not be changed.
type Message struct {
	Conv  string // conversation: a name that the caller made, 1 to 255 bytes; a direct one's is d/, a claim, / and the other, in 16 hex digits each
	Seq   uint64 // grows over the whole log, and so in every conversation; never 0 or 1
	Prev  uint64 // the seq before it in Conv; 0: none
	Mid   string // id, unique over all epochs, 20 characters of [0-9a-v], ordered by time
	Ts    int64  // ms since 1970
	Claim uint64 // the sender's
	From  string // the sender's nick as shown
	To    string // direct messages: the recipient's nick as shown
	Room  string // named rooms: its name as shown
	Cid   string // the client's id of the message, unique for Claim; empty: it gave none
	Body  []byte // JSON
}

// Entry is a Message that is to be stored.
type Entry struct {
	Message        // Seq, Prev, Mid and, if 0, Ts are set by Append
	Peer    uint64 // direct messages: the recipient's claim, so that Directs of both know Conv; 0: none
	Probe   bool   // it is not to be stored: the caller asks for Known alone. Cid is not empty then
	Known   bool   // set by Append: (Claim, Cid) was stored before, and Message is now that first one
	moved   bool   // it comes from another log: it keeps its Mid, and is stored even if (Claim, Cid) was before; see Move
}

// Head is what is known of a conversation as a whole. First, Count and Bytes are 0 in a Stream, which does not count.
type Head struct {
	First   uint64 // oldest seq stored; 0: none
	Last    uint64 // newest seq ever stored in it, even if it was trimmed; 0: none
	Trimmed uint64 // highest seq that retention has removed; 0: none
	Count   int64  // messages stored
	Bytes   int64  // of the messages stored, as records
}

// Marks are how far a claim has got in a conversation. Each only grows.
type Marks struct {
	Sent uint64 // highest seq written to one of the claim's sockets
	Recv uint64 // highest seq confirmed
	Read uint64 // highest seq read
}

// Direct is one direct conversation of a claim.
type Direct struct {
	Conv     string
	Peer     uint64 // the other side's claim
	PeerNick string // its nick as shown, as of the first message that named it
}

// Log stores messages in one order and gives them back.
//
// Append has one caller at a time, the committer; all other methods may be called from any goroutine, and at any time.
type Log interface {
	// Epoch names the log that the seqs belong to. It changes only when seqs may start anew.
	Epoch() string

	// Durability is what Append has done when it returns: one of the constants.
	Durability() string

	// Append stores a batch in its order, in one commit, and returns when that is as durable as Durability says. It sets
	// Seq, Prev, Mid, and Ts where that is 0. Seqs are never used twice, even for a batch that failed.
	//
	// An entry whose (Claim, Cid) was stored within the last Config.Dedup, or earlier in the same batch, is not stored
	// again: Known is set, and Message becomes the first one. If retention has removed that one, only Conv, Seq, Mid, Ts,
	// Claim and Cid are left of it.
	//
	// All or nothing: after an error nothing of the batch is stored, nor will it appear later, and every Seq is 0. The next
	// Append may succeed.
	//
	// A log that nodes share, a Stream, differs. It leaves Prev 0. After an error the entries whose Seq is not 0 are stored; the
	// others were not acknowledged by the servers, but may be stored all the same: their senders repeat them, and they
	// are then Known. What retention has removed keeps, of a Known entry, its Seq and Mid, while Conv and Ts are those of the repeat.
	//
	// The log keeps the entries' strings and Body; the caller must not change Body afterwards. The slice and the
	// Entry structs are the caller's again.
	Append(batch []*Entry) error

	// Read gives messages of a conversation, the oldest first. after > 0: the first limit messages behind that seq; 1 is
	// in front of all. Else before > 0: the last limit ones in front of it. Both 0: the newest. With both given only those
	// between them are looked at. more is that there are others, further on in the direction asked for. What Append has not
	// yet returned for is not seen. A conversation that is not known is empty. The slice is shared: do not write to it.
	Read(conv string, after, before uint64, limit int) (msgs []Message, more bool, err error)

	// Scan reads forwards across all conversations: messages with a seq above after, at most limit, in the order of their seqs.
	// Behind next there is more to be read; up to it all was given, or is not there any more. With limit 0 next is the newest
	// seq of the log. What Append has not yet returned for is not seen. A Stream does not set Prev.
	Scan(after uint64, limit int) (msgs []Message, next uint64, err error)

	// Head is the zero Head for a conversation that is not known.
	Head(conv string) (Head, error)

	// Find gives the message with that id, if it is still stored.
	Find(mid string) (Message, bool, error)

	// Erase removes what a message said, for good. The message stays, with its seq, and IsErased. Nothing happens if it is not stored
	// in that conversation, any more or yet. A log that nodes share is to be told by each of them, so that all know of it.
	Erase(conv string, seq uint64) error

	// Directs lists the direct conversations of a claim, in the order of their names. One of which retention has removed everything
	// is forgotten, with the marks of both sides, until something is said in it again: no seq of what was forgotten, of whichever
	// claim, is above floor; 0: nothing was. A Stream forgets none, and may list one that nothing is stored in yet.
	Directs(claim uint64) (all []Direct, floor uint64, err error)

	// SaveClaim stores a claim, as durably as Durability says; an older state of the same ID is replaced. An ID keeps its Key and
	// Made for ever.
	SaveClaim(Claim) error

	// ClaimByID gives the claim with that ID, if it was saved and not dropped, and has not expired; see Config.KeepAge. The ID of one
	// that has expired may be saved again: it has no marks then.
	ClaimByID(id uint64) (Claim, bool, error)

	// ClaimByNick gives, of the claims with that comparison key that ClaimByID gives, the one that was made last: by Made, then by ID.
	ClaimByNick(key string) (Claim, bool, error)

	// DropClaim forgets a claim: its secret, its marks and its list of directs. Its messages stay with the other side. The ID must
	// not be saved or marked again.
	DropClaim(id uint64) error

	// Mark raises marks; a mark that is lower than what is known is ignored. It is cheap and never waits for
	// the disk; the marks are durable within seconds.
	Mark(claim uint64, conv string, m Marks)

	// Marks gives what Mark has raised; zero: none. Those of a direct conversation end with it; see Directs.
	Marks(claim uint64, conv string) (Marks, error)

	// Healthy is why Append would fail at present; nil: nothing known.
	Healthy() error

	// Close stores what is pending and ends the log's goroutines. All methods give ErrClosed afterwards. Calling it again does
	// nothing.
	Close() error
}

// Config is how a log keeps what it is given. The zero Config is fit for use.
type Config struct {
	// Durability is DurabilityOS or DurabilityFsync; "": DurabilityFsync. Memory takes no notice of it.
	Durability string

	// What is kept of each conversation; what exceeds one of the bounds is removed in the background, the oldest first, a
	// little later than due. 0: no bound; for Memory: DefaultMemory's. Negative: no bound.
	KeepCount int           // messages
	KeepAge   time.Duration // since Ts
	KeepBytes int64         // of records: texts, names and about 60 bytes each

	// A claim expires that has been away for longer than KeepAge, and than 10 minutes: in the background it is forgotten, with its marks, when
	// no direct conversation of it is left. With KeepAge 0 none does, but see Memory for what it has room for. A Stream keeps all claims.

	// Trail is the one conversation of which TrailCount messages are kept, 0: 100,000, whatever the other bounds; "": there is none.
	Trail      string
	TrailCount int

	// Passing is the one conversation that is of use for a while only: of its messages the newest PassingCount are kept at most, 0: 10,000,
	// and fewer where the other bounds say so; "": there is none.
	Passing      string
	PassingCount int

	// Floor is the highest seq that may be removed because of the bounds: somebody has yet to read what is above it. It is called
	// often, from any goroutine, and must not wait. nil: all may be. Memory removes more where it has no room.
	Floor func() uint64
	// Brief is the one conversation that is of no use but for who reads with Scan: what Floor gives up of it is removed, whatever
	// the bounds. "": there is none. It means nothing without Floor.
	Brief string

	// Dedup is how long a (Claim, Cid) is known, at least; 0: 5 minutes.
	Dedup time.Duration

	// Reserve is how many bytes stay free on the disk: Append gives ErrSpace before it takes them, so that what was accepted
	// can be tidied. 0: 64 MiB.
	Reserve int64

	// Logger is told what operators should know; nil: slog.Default().
	Logger *slog.Logger

	moving bool // a move opens it, which may be unfinished
}

// isYoung is that a message's (Claim, Cid) has to be known: it may be repeated yet.
func (c *Config) isYoung(ts int64, now time.Time) bool { return ts > now.Add(-c.Dedup).UnixMilli() }
