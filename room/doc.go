// Package room is the chat: who is there under which nick, what they may say, and who gets it. It knows no sockets; it sees
// a connection as a Peer and an encoded message as a Frame, both given by whoever joins it to an engine.
//
// # The journey
//
//	hub.go      Config, Hub: claiming a nick, settling, closing
//	nick.go     what a nickname is
//	session.go  one connection's side: decodes what came (event), keeps its rate (pace.go), puts it on the road
//	road.go     the one committer: takes what has piled up and releases it in one order to the shards
//	shard.go    the registry: each shard alone owns its sessions and walks its members with a broadcast
//	letter.go   what a shard can be told; mailbox.go is how
//	peer.go     what the room needs of connections
//	echo.go     the echo socket's session
//
// # Threads
//
// A session's Message runs on its connection's loop. The committer has a goroutine, and so has each shard. They pass
// letters through mailboxes and share nothing else, so that there is no lock order to keep: a mailbox's lock is a
// leaf. Whoever brings a letter to an owner that is at rest does its work in the owner's place, which saves waking a
// goroutine; broadcasts, which take time and may wait, are always left to the goroutines. One at a time is at work
// on a mailbox, so that what it owns needs no lock. Nothing waits for an answer, except a claim, whose asker is a goroutine
// of the engine's door.
//
// # Order
//
// Everybody reads a conversation in the order of the road: one committer, first-in first-out mailboxes, first-in first-out
// queues. A broadcast and a direct message are of different conversations, and the direct one may overtake: it waits for
// one slice of a walk, not for the whole.
//
// A walk serves the members that there were when it began, with all broadcasts that had piled up, joined into one
// frame: under load each socket gets one write for many messages. Whoever entered later than one of them gets those that
// came after entering.
//
// # Bounds
//
// Messages wait for the committer in at most 64 MiB, then senders are refused with 503. They wait for a shard in at most
// 64 MiB, then the committer waits. What waits for one peer is bounded by the engine.
package room
