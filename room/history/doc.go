// Package history is the log of the chat: every message that was acknowledged, in one order, and who the claims are that sent
// them. It knows neither sockets nor rooms; a conversation is a name to it.
//
//	log.go      Log, the interface, and its guarantees; what is stored: Message, Claim, Marks
//	memory.go   the Log in memory, bounded; its claims are in memory_claims.go
//	pebble.go   the Log on disk: opening, epoch, ceiling, closing
//	append.go   the committer's work
//	read.go     reading; tails.go is what is held in memory for it
//	scan.go     reading all conversations in one order
//	dedup.go    (Claim, Cid) comes once; sieve.go spares the disk
//	claims.go   claims; marks.go: how far they have got
//	trim.go     retention; lapse.go: that of claims; erase.go takes out of a message what it said
//	move.go     from one log to another: move_steps.go, and for each kind of place what is special in filling it (move_pebble.go,
//	            move_stream.go) and in reading it (walk.go, walk_pebble.go, walk_stream.go); move_origin.go finds what was moved
//	keep.go     what has to be done again and again; space, healing
//	store.go    Pebble and its settings; fence.go: the file system that it sees; volume.go, what it takes, for operators
//	keys.go     the layout of keys; record.go of values, mid.go of message ids, sides.go of the names of direct conversations
//
// The Log that nodes share, on NATS JetStream, is in stream.go: stream_append.go and stream_publish.go, stream_read.go and
// stream_get.go, stream_claims.go, stream_marks.go, stream_bucket.go (KV); stream_follow.go brings to a node what it follows,
// stream_resync.go finds what was lost on the way, stream_trim.go is retention, stream_erase.go takes out what messages said,
// stream_keep.go looks after the servers; stream_names.go is what all is called on NATS, stream_record.go the layout of messages there;
// shared.go lets many ask at once.
//
// # Commits
//
// One commit at a time is written, under pebbleLog.commit: that of a batch, of claims (as many as wait), of marks, of what is
// trimmed. A batch is one Pebble batch: a message has a row with its record, one that finds it by seq and, if it has a Cid,
// one that finds it by that; a conversation has a row with its Head every 64 messages. Readers are never in a
// commit's way, and see a batch when it is stored as durably as promised.
//
// With DurabilityFsync a commit is synced. With DurabilityOS it is written to the operating system, which is all that a killed
// process needs, and synced once a second.
//
// # Seqs
//
// There is one counter. A ceiling above it is on disk, synced whatever the durability, and raised by a million before it is
// reached; after an unclean end the counter goes on at the ceiling. A clean end sets the ceiling to the counter. So no seq comes
// twice, though a message be lost with the power.
//
// A folder that was restored from a backup, or copied, does not know what was given out after it was copied. Whoever starts a
// server on it makes an empty file RESTORED in it first: Open begins a new epoch then, so that clients know their positions to
// be void, and removes the file. The seqs go on. A folder is copied while no server has it, or as a snapshot of
// its file system.
//
// # Direct conversations
//
// The name of a direct conversation has its two claims in it, and each has it in its list. With its last message it leaves both lists, in
// the same commit, and the marks that the two had in it go with it. So who is written to by very many is not left with a row for
// each, nor are they, whom nobody may ever drop. How far what was forgotten had got is kept in one seq for all, the floor: a position at or
// below it may have missed something. In a Stream the lists stay: a node that has put a conversation into them does not look again
// before it says more in it, and between a bucket and the log there is no order in which another node could take it out meanwhile.
//
// # Claims
//
// A claim that nobody comes back to would stay for ever, and anybody can make new ones. So it expires when it has been away for
// longer than messages are kept (Config.KeepAge). One to whom somebody has said something since then has to find it: as long as there is a
// conversation in its list it stays. Whether it is to go is looked at again under the lock of commits, so that whoever comes back at
// that moment is either seen, or saved behind it and whole again but for marks, which were of what is gone. So an ID can come again; there is nothing
// left of what it was. A Stream keeps its claims, as it keeps the lists, and for the same reason.
//
// # When the disk fails
//
// A disk that gets full is the likely case. Append, and every other commit, is refused with ErrSpace while less than
// Config.Reserve would be left; what is tidied in the background lives on the reserve. Nothing is to be done when
// there is space again.
//
// What fails all the same is one of these:
//
//   - A write or a sync of the write-ahead log or of the manifest. Pebble would end the process, some of its code by a panic under
//     a lock that nobody can recover from. So it is not told (fence.go): a fence goes up, behind which Pebble writes into
//     nothing. Append cuts what it had written of the batch off the write-ahead log, and returns the error. The store is
//     read as before, until the disk can be written again; then it is closed and opened anew behind a new fence, in
//     the background, within about a second.
//   - A table. Pebble tries again, once a second. Commits are refused as long as memory cannot be written to tables,
//     since it would fill up. If it is full before that is noticed, a fence goes up as above, so that no commit waits
//     for the disk; until the store is opened again some of the newest messages can then not be read.
//   - Reading. The error is returned to whoever reads.
//
// What was acknowledged before is not touched by any of this. What was refused is not stored, with one exception that
// no program can do away with: a disk that does not even let a file be cut, and a process that ends before it does,
// may leave a refused batch to be found after the restart. Its sender was told to try again, and the repeat is then known by
// its Cid.
//
// A loss of power may leave a torn end of the write-ahead log, which is cut when the folder is opened. Damage anywhere else
// is told by Open, and nothing is dropped silently. With DurabilityOS the whole of what was not synced yet
// may have holes, and is cut at the first.
//
// # Streams
//
// The servers give the seqs: that of the stream THRONG_LOG, whose subjects are throng.log. and the conversation. They repeat each
// message, when it is stored, as throng.out. and the conversation, with its seq and the one before it, at most once, to
// the nodes that follow it. A node gives what comes to Receive in order: what is there already is dropped, and
// what is missing is read from the stream first. That nothing is missing at the end is compared every two seconds for conversations of
// Follow, and for direct ones some seconds after FollowDirects, after a reconnect, a gap, an overflow, when Resync is called, as it is when
// a route between servers was lost, and a few at a time in turn.
//
// Claims, marks, the lists of direct conversations, and up to where conversations were trimmed are KV buckets. Where being a little
// behind the leader would matter, the leader is asked, or the answer is checked against what the leader has. What is followed is
// read from memory as far as that reaches back; to read older messages backwards it is looked for a seq to begin at, by
// counting. Before anything is removed its bucket says so; two nodes that trim at once find out by its seq.
//
// The id of a message has the time in it at which the stream was made, so that it follows from the seq, but for one that was moved. Every message has a
// Nats-Msg-Id, by which the servers know it again for Config.Dedup: the claim and the Cid, else one made for it.
//
// # Moves
//
// Move walks the source in the order of its seqs and stores what it finds at the end of the target, in the same order. Nobody else
// writes to either, so the target has at any moment the first so many messages of the source: where to go on after a stop is its newest
// message, looked for in the source by its id. In a folder a batch is one commit; servers are given each message under the condition that
// the one before it is the newest, so that none is stored out of its turn or twice, whatever is repeated. Then claims, lists of
// direct conversations and marks are written anew, and at last the log's note that it is being filled (origin) says that it is
// whole; until then Open and OpenStream refuse it.
//
// A moved message has its id in its record, since it does not follow from the seq any more. (Claim, Cid) is only remembered of messages
// that are younger than Config.Dedup: older ones may have the same.
//
// # Bounds
//
// Pebble: at most four memory tables of 32 MiB, of which small logs use little, and 32 MiB of cache. Heads and tails: 16,384
// conversations, of each at most 4,096 messages and 4 MiB, in all 64 MiB. Sieves: 43 MiB when seven million Cids come
// within Config.Dedup, little otherwise.
package history
