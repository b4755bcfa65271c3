// Package run is a load run: "throng load" and its workers.
//
// # The journey
//
//	plan.go         what is asked, and how the users are shared out
//	coordinator.go  Run: preflight, servers, workers, and the end of all of them
//	phases.go       connect, warm up, steady, cool down; search.go is the steady phase of a capacity search
//	hand.go         a worker as the coordinator sees it; wire.go is what the two say to each other
//	worker.go       a worker: one process, one loop, a range of the users; Work and Listen serve a coordinator
//	users.go        its users come, go and are cut off; comings.go is what a scenario has them do beside talking
//	pace.go         who says what to whom, each message at its time
//	hear.go         what is received goes into the books (package ledger), latencies into the meter
//	collect.go      the workers' news are put together; tick.go writes a point a second; finish.go makes the result
//
// # Processes
//
// A coordinator starts worker processes, each with its own range of the users, and gives them orders over their
// standard input, one at a time; workers on other machines get the same orders over TCP. A worker answers each order once, and
// sends news every second. When the stream ends the worker ends, so that nothing is left of a coordinator that died.
// Processes of one machine share a clock; a worker elsewhere is asked for its own and its times are corrected.
//
// # What is exact
//
// Counts are: who talks to whom is arithmetic that all processes share (ledger.Shape), every message is numbered within its
// sender's words to one conversation, and at the end every worker is told how many there were. Latencies count from the
// intended moment of sending. They leave out what the generator itself held up: messages that went out more than 50 ms late, and
// those that waited while a loop stood still. Both are counted, and too many of them make the run say that it
// measured itself.
//
// # Goroutines
//
// In a worker the swarm's loop receives, one goroutine sends, one tells news, and users on their way in have one each. The
// books and the meter have locks of their own, which are leaves; a user's lock is held while the books are told that it leaves.
package run
