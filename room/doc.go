// Package room is the chat: who is there under which nick, what they may say, and who gets it. It knows no sockets; it sees
// a connection as a Peer and an encoded message as a Frame, both given by whoever joins it to an engine, and the log through
// history.Log.
//
// # The journey
//
//	hub.go      Config, Hub: claiming a nick, settling, closing, and what is done every second; apart.go, what may wait for the disk or the network
//	grant.go    who asks to be let in, and what a token allows
//	owned.go    claims that belong to the bearers of a token
//	nick.go     what a nickname is; person.go who has one: a claim and its sessions
//	session.go  one connection's side: keeps its rate (sender.go, and pace.go, of which a claim's sessions share one), puts what was said on the road; v2.go version 2's frames
//	hello.go    who says hello is let in, brought up to date (recover.go, recent.go), and meanwhile held; thread.go is what a
//	            claim's conversations are in the log, page.go shows their history, batch.go puts several objects in a frame
//	road.go     the one committer: stores what has piled up in one commit and releases it in one order to the shards
//	parcel.go   a message as it is on its way, encoded once for each dialect
//	shard.go    the registry: each shard alone owns its people; letter.go is what it can be told, mailbox.go how
//	crowd.go    a shard's part of everyone, or of a room, and how a message walks through it
//	joining.go  rooms; place.go who is where, for everybody to ask, and presence.go what of it is told once a second
//	lag.go      what becomes of readers that are too slow
//	receipt.go  typing, received, read, and what counts as written; state.go tells how far a message has got
//	cluster.go  what the room needs to be one of many nodes, and nicks that only one of them may hold; follow.go what comes to
//	            this node, memo.go what nodes tell and ask each other, who.go whom a nick stands for, on whichever node,
//	            and confirm.go whether they are still there
//	moderate.go what moderators can do, actcheck.go what makes sense; rulings.go keeps it in the log, rules.go is what is in force,
//	            enforce.go has it take effect; v2_moderate.go is what moderators send on the chat itself, and delete.go what becomes of a
//	            message that is deleted
//	publish.go  what programs of the server's side send; survey.go, profile.go and reading.go what operators see: who is there and where,
//	            on all nodes, and what was said
//	metrics.go  what is counted; complaints.go, what the log is told that fails; hangs.go, whether all live; trace.go, what happens to one nick or message; stamp.go, how long a sampled message takes to each stage of the road
//	peer.go     what the room needs of connections
//	hook.go     what a webhook is told besides: who comes and goes, kept in the log as messages are
//	echo.go     the echo socket's session
//
// # Who somebody is
//
// A claim is who a nick is at present. Direct conversations, receipts and what waits for somebody are the claim's and not the
// nick's. A claim that said hello has a secret and can come back, on another connection and after a restart of the server; its
// nick is kept for it for five minutes. Without hello, and in the tutorial dialect, a claim ends with its socket.
//
// # Whose a nick is
//
// With a Config.Tokens one needs a token, whose sub is the nick, and a nick has one claim for ever: an owned one (owned.go). It has no secret;
// all who show a token of the nick are the same, on several connections at once, and nobody else is ever given the nick, even
// where tokens are not asked for any more. Its id follows from the nick, so that two nodes that make it at once make the same
// one; and it is another than those of before tokens were asked for, whose conversations its bearer does not see. Names that are the same as
// nicks (RFC 8266) are the same person: whoever gives out tokens must not give alice and Alice to two people.
//
// In a cluster one node holds a nick, and answers for it; on others its bearers are guests. They miss nothing: each node follows the
// claim's conversations in the shared log, and hears what is told of the nick. When the holder gives the nick up, one of those
// where guests are takes it. Who is in one room on two nodes counts twice there.
//
// A session's Grant is what its token allows. The loop shows a new one with each hello that has a token, and looks at it before
// what the client asks for; once a second the shards close those whose token has ended.
//
// # Threads
//
// A session's Message runs on its connection's loop. The committer has a goroutine, and so has each shard. They pass
// letters through mailboxes. Whoever brings a letter to an owner that is at rest does its work in the owner's place, which
// saves waking a goroutine; broadcasts, which take time and may wait, and what has to be stored durably are always left to
// the goroutines. One at a time is at work on a mailbox, so that what it owns needs no lock. What reads or writes the
// log beside the committer has goroutines of its own, a few at a time (Hub.apart), and comes back as a letter; only the
// look-up of a nick that is not in memory is done by a shard itself.
//
// The locks (of a mailbox, of a pace, of recent, of complaints, of the beginning of what is done apart) are leaves, except that an encoded stretch of
// history is made under recent's. That of a claim is held while the log stores it, and that of holds while the cluster is told that a
// nick is given up. That of following a room is held while the network is waited for, and taken before that of places, under which the
// cluster is told which rooms this node hears of.
//
// # Order
//
// Everybody reads a conversation in the order of the road: one committer, first-in first-out mailboxes, first-in first-out
// queues. A broadcast and a direct message are of different conversations, and the direct one may overtake: it waits for
// one slice of a walk, not for the whole. Nothing is delivered before it is stored.
//
// A walk serves the members that there were when it began, with all messages that had piled up, joined into one
// frame: under load each socket gets one write for many messages. Whoever entered later than one of them gets those that
// came after entering.
//
// Who comes back is held from its hello on: what is said meanwhile waits, what was missed is read from the log and sent first,
// and of what waited only that follows which is newer. So nothing is missing and nothing comes twice.
//
// # Many nodes
//
// With a Config.Cluster the log is shared. The committer stores as ever and acknowledges, and does not deliver: what is stored
// comes back to every node that follows the conversation, in its order (Hub.receive), to this one too. A node follows everyone, the
// rooms where it has members, and the direct conversations of its people. A person is on one node, which holds the nick; a claim that
// comes back elsewhere has its nick handed over, after what it was told is stored. Whom a nick stands for is asked of the node that
// holds it, and remembered for a second or until that node says otherwise; that nobody has it, until somebody takes it. What was said
// to who is on another node is stored first; then that node is asked whether they were there, before the sender is told. How many are where is told once a second.
//
// # Moderation
//
// What moderators do is stored like messages, by the same committer, in a conversation that no client can name (convRulings), and
// comes to all nodes like them. What is in force follows from it: each node folds the acts in their order (Hub.rulings) into rules that
// sessions read without a lock. Nobody is let in before the log was read. Now and then all that is in force is stored in one digest,
// so that a start has not to read all that was ever done. What somebody takes back of their own words is no act: the message is erased, and
// that readers are to be told so is passed on in a conversation of its own (convUnsaid), of which little is kept.
//
// # Bounds
//
// Messages wait for the committer in at most 64 MiB, then senders are refused with 503. They wait for a shard in at most
// 64 MiB, then the committer waits. What waits for one peer is bounded by the engine; in version 2 a reader whose queue is half
// full is told of gaps instead, and pages them. What is held for one session is bounded by 1 MiB, and becomes a gap beyond.
package room
