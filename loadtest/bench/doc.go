// Command bench measures the server's speed and memory and prints them as a Markdown table. It is
// what `make bench` runs; it needs Linux and about a quarter of an hour.
//
// Each figure of the server stands beside that of a stand-in: a program of bare system calls, or of
// nbio with nothing behind, that does the same work with the same clients in the same run. The two take
// turns, round by round, so that a slow moment of the machine meets both.
//
// What has a log on disk is measured beside the same server with its log in memory, or beside itself with less to do. Its folder
// is in that of -data: the disk is a part of what is measured.
//
// # Processes
//
// The program starts the server, the stand-in and one client process for each, and only tells them
// what to do. A server's processor time is read from the clock that the kernel keeps of its process,
// so it holds no share of the client. On loopback it does hold the way of a packet up to the
// receiver's socket, since the kernel does that within write(2): for the server and the stand-in
// alike.
//
// All children end with this program, however it ends: see [throng/loadtest/process].
//
// # Beside the others
//
// With -peers the program measures something else, which is what `make bench-peers` runs in about ten
// minutes: our server beside the ones of loadtest/peers, which do the same on other libraries. In each
// round every server, fresh, goes through the same steps: 10,000 connections, their memory, messages to
// all one at a time, direct messages at a steady rate, and a burst to all that is more than any can
// write at once. Losing messages and cutting users off is a result there and is shown; so is failing.
//
// # The client
//
// A client process is a [throng/loadtest] swarm with one loop that rests for a millisecond between
// two turns. This makes it cheap, keeps the server from paying for waking it at every write, and adds
// up to about a millisecond to each latency. Latency counts from the time at which a message was meant to be
// sent, whether or not it was sent then.
//
// In version 2 it checks what it is told: an ack for each message, what both sides get of each, all messages of a page, and of
// numbered messages to everyone that each user gets each once and in order, over any number of connections.
package main
