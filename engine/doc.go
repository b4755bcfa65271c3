// Package engine holds the sockets: it lets WebSocket connections in, cuts messages out of their bytes, and writes to
// them what their sessions queue. It knows no chat; a protocol is an Accept function and the Session that it opens.
//
// # The journey
//
//	door.go       accepts; a short-lived goroutine reads the request's head (head.go), judges it (handshake.go) and
//	              answers 101 or a refusal (refusal.go); what asks for no WebSocket goes to net/http (pages.go);
//	              greet.go agrees on TLS before, where it is spoken
//	address.go    where a client is, seen through trusted proxies: X-Forwarded-For, and proxy.go's PROXY header
//	bounds.go     what of that may be changed while it serves; limits.go, how many files there may be
//	inrush.go     new connections of an address a second; headroom.go, whether there is memory for more; rush.go gives back
//	              what a rush has needed; complaints.go, what the log says of refusals
//	engine.go     Config, Engine, start and shutdown; drain.go, in which order and how fast connections are sent away;
//	              returns.go, when whoever was sent away may come back
//	loop.go       nbio's pollers, which read and call back; barrier.go keeps what a poller still has of a closed socket from the
//	              next one, and shows that a poller hangs; inherit.go keeps sockets from processes that this one starts
//	secure.go     TLS: crypto/tls without a goroutine that waits; spare.go takes what libraries keep for nothing
//	inbound.go    bytes to frames to messages, on the loop (header.go, utf8.go, deflate.go); control.go answers
//	              pings and close frames
//	conn.go       Conn and Session: what a protocol sees; the states open, closing, closed
//	frame.go      an outbound message, encoded once, shared by all who get it
//	outbox.go     what waits for one connection; flush.go writes it, all in one system call
//	metrics.go    what is counted; census.go, for all connections when somebody asks; clock.go, the times of a sample;
//	              diary.go, what the log says of a connection
//	sweep.go      keep-alive and every time limit, by one goroutine over table.go's tables
//
// # Threads
//
// A poller ("the loop") is a goroutine with one epoll and one read buffer. It alone runs a connection's data, and with it
// the decoder and Session.Message; nothing there blocks. The door's goroutines run data before the loop has
// the connection, never after. Send, Flush and Close come from anywhere. Who queues frames also flushes: the loop
// after each read, a room after each batch; the engine's flusher does it when a full socket has drained.
//
// # Locks, in the order in which they may be taken
//
//	Conn.mu          one connection's queue and state; never two at once
//	crypto/tls's own for reading, which the loop alone takes, and never with Conn.mu; and for writing, below either
//	nbio's own lock  of the same connection, inside its Write; Conn.written runs under it and only counts
//	leaves           door.mu, pages.mu, table.mu, closers.mu, flusher.mu, barrier.mu, inrush.mu, returns.mu, complaints.mu, and goneTally.mu,
//	                 which is taken under Conn.mu: nothing is locked while one is held
//
// Sessions are called without any lock.
//
// # Who owns the bytes
//
// What the loop reads is the decoder's, which unmasks it in place; a Session may use a payload until it returns. A Frame's bytes are
// nobody's to change. A write either hands the socket a frame's bytes as they are, or joins several in a pooled
// 64 KiB scratch.
//
// # TLS
//
// The handshake runs at the door, in the time of the request's head. From then on crypto/tls reads what the loop has brought and says
// "would block" when it wants more, and its records go to nbio's queueing Write. Conn.pending counts bytes as the socket gets
// them, encrypted; Config.Queue counts frames, which are encrypted when they are written. What TLS alone can make a server do, answers to key updates
// that nobody reads, is bounded by maxUnread; records without content count as control frames do. A connection that closes in order
// says so in TLS, too, before TCP ends (Conn.notify).
//
// # nbio
//
// Of nbio v1.6.12 only the pollers and the queueing Write are used, because of what was measured: Writev and Unix sockets lose
// data on a partial write; Close discards what is queued, so that a connection is flushed before; a Write beyond
// MaxWriteBufferSize closes the connection, so that there is none and at most 64 KiB are handed over at a time; its accept
// loop spins when no file is left; its websocket package takes unmasked frames, drops empty messages and can be made to
// pass its size limit. A Write on a connection that AddConn has not seen panics: Conn.attached holds it back. nbio hides
// itself from the race detector, so that the tests also run Conn over a transport in memory. Its descriptors would be had by
// every process that this one starts: adopt and startPollers mark them.
package engine
