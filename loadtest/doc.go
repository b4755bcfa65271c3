// Package loadtest simulates users of a chat server: many WebSocket connections in one process, each
// a few hundred bytes, so cheap that the server is measured and not the client.
//
// # The journey of a delivery
//
// A [Swarm] has a few loops. A loop is one epoll and one goroutine. It waits for sockets that have
// bytes, reads each into its one large buffer, and has the user's decoder cut the bytes into frames.
// Messages are counted, and handed to OnMessage in place if somebody wants them; pings are answered;
// nothing is kept of a message unless it is split over two reads and wanted whole.
//
// # Threads and ownership
//
// The loop's goroutine alone reads a socket, moves its stream on and closes its descriptor. The
// goroutine of [Swarm.Connect] sends the requests of both handshakes, TLS and WebSocket, and computes
// the first. Everyone may send: a message is written to the socket by the caller, and only what the
// socket does not take waits in the user for the loop. Everyone may end a user: [User.Cut] shuts the
// socket down, which the loop then sees as the end of the stream.
//
// There are two kinds of locks: a loop's (its table of users; its turns) and a user's (its descriptor
// and what waits to be written). None is taken while another is held, except that crypto/tls holds its
// own while it reads or writes the socket, which takes the user's.
//
// # Who was slow
//
// A latency is the server's only if the client was there to read. A loop marks the time after each step,
// and a step that took 100 ms too long is a stall: [Config.OnStall] hears of it before what was read
// after it is handed out. What a loop adds in its ordinary work is told by [Swarm.Turn]. All times are on
// one clock, [Now], which all processes of a machine share.
//
// # TLS
//
// wss is spoken by crypto/tls, versions 1.2 and 1.3, over a socket that never blocks. A user costs about
// 0.6 KB with ws and 8 to 10 KB with wss. The buffer of crypto/tls grows with the largest record
// and never shrinks: after records of 16 KiB a user has 25 KB. The fork of crypto/tls in lesismal/llib is no
// way out: its client's handshake cannot be continued (it would greet the server anew), version 1.3
// fails against Go's own server, and it takes as much memory.
//
// # Linux
//
// The loop stands on epoll(7) itself. Measured against nbio's poller it takes the same processor time,
// nearly all of it the kernel's; it is here for what nbio does not offer: a rest between two
// turns, connecting without a goroutine or a second descriptor a user, and closing by one owner.
package loadtest
