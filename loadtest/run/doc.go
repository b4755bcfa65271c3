// Package run is a load run: "throng load" and its workers.
//
// # The journey
//
//	plan.go         what is asked, and how the users are shared out
//	coordinator.go  Run: preflight, servers, workers, and the end of all of them; dialect.go is what all servers speak, watch.go
//	                what a server costs meanwhile
//	phases.go       connect, warm up, steady, cool down; search.go is the steady phase of a capacity search
//	door.go         gives the run up when the servers let nobody in; scratch.go keeps the data of its own servers
//	token.go        what users show to servers that ask for tokens
//	hand.go         a worker as the coordinator sees it; wire.go is what the two say to each other
//	worker.go       a worker: one process, one loop, a range of the users; Work and Listen serve a coordinator
//	users.go        its users come, go and are cut off; comings.go is what a scenario has them do beside talking; retry.go is
//	                how often they try to come in
//	pace.go         who says what to whom, each message at its time
//	hear.go         what is received goes into the books (package ledger), latencies into the meter
//	session.go      a user of version 2: how it comes, and comes back; outbox.go is what it says until that is acknowledged
//	object.go       what it hears; message.go reads a message, conv.go follows a conversation, page.go reads what was missed
//	collect.go      the workers' news are put together; tick.go writes a point a second; finish.go makes the result
//
// # Processes
//
// A coordinator starts worker processes, each with its own range of the users, and gives them orders over their
// standard input, one at a time; workers on other machines get the same orders over TCP. A worker answers each order once, and
// sends news every second. When the stream ends the worker ends, so that nothing is left of a coordinator that died.
// Processes of one machine share a clock; a worker elsewhere is asked for its own and its times are corrected.
//
// # Version 2
//
// A user of version 2 loses nothing: it comes back by itself with its secret and its positions, and reads in the history
// what the server does not bring it. So no absence excuses anything, and the load goes on during a storm. What a user says it
// keeps until the server has acknowledged it, and says it again, with the same cid, over a new connection, after 3 s without
// an ack, or when the server asks for that. A message that is never acknowledged is told of in a note and shows in acked.ratio,
// and counts as lost where it did not come. A user does what a client should: it reads the history of one conversation after
// the other, orders what it reads there before what came meanwhile, and drops what comes by itself after the history, read to
// its end, has had it: once each, since it was on its way. All else that comes twice is the server's doing and counts as
// duplicated. Who was cut off tries for two minutes to come back. In each conversation every message must name the one before
// it; where one does not, and the server has told of no gap, the chain is broken, which counts as corrupted, beside the loss
// that may be its reason. Where the history begins only behind what a user has, the server kept no more: what is missing there
// is lost, and a note says how often that was. What waited for somebody who was away has no latency.
//
// # What is exact
//
// Counts are: who talks to whom is arithmetic that all processes share (ledger.Shape), every message is numbered within its
// sender's words to one conversation, and at the end every worker is told how many there were. Latencies count from the
// intended moment of sending. They leave out what the generator itself held up: messages that went out more than 50 ms late, and
// those that waited while a loop stood still. Both are counted, and too many of them make the run say that it
// measured itself. A stage ends a second after its time at the latest: what a worker had not come to by then was not sent,
// which is counted too.
//
// # Goroutines
//
// In a worker the swarm's loop receives, one goroutine sends, one tells news, and users on their way in have one each. The
// books and the meter have locks of their own, which are leaves; a user's lock is held while the books are told that it leaves.
// What a session knows of its conversations belongs to the loop, and between two connections to who makes the next.
package run
