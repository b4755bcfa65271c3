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
// The loop's goroutine alone reads a socket, moves its stream on, answers its handshake and closes its
// descriptor. Everyone may send: a message is written to the socket by the caller, and only what the
// socket does not take waits in the user for the loop. Everyone may end a user: [User.Cut] shuts the
// socket down, which the loop then sees as the end of the stream.
//
// There are two kinds of locks: a loop's (its table of users) and a user's (its descriptor and what
// waits to be written). None is taken while another is held.
//
// # Linux
//
// The loop stands on epoll(7) itself. Measured against nbio's poller it takes the same processor time,
// nearly all of it the kernel's; it is here for what nbio does not offer: a rest between two
// turns, connecting without a goroutine or a second descriptor a user, and closing by one owner.
package loadtest
