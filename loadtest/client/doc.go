// Package client is a user of the chat: it speaks version 2 of the protocol (throng.v2.json) over one WebSocket at a time.
//
//	options.go     Options: who the user is, and what is done when something goes wrong
//	client.go      Client: Dial, Close, and what comes between them: one connection after the other
//	retry.go       when it comes back (full jitter), and when never
//	request.go     what was asked and not yet answered; it is asked again on the next connection
//	say.go         Send and its future; ask.go: all other questions
//	course.go      how far each conversation has got: each message once, in order, holes paged from the history
//	hear.go        what the server says, object by object
//	event.go       what the user is told; wire.go: the JSON; link.go: the socket
//
// # Goroutines
//
// A Client has one goroutine, which connects, reads, and calls Options.On. All methods may be called from any goroutine, those
// that wait for an answer (they take a context) not from On: the answer would have to be read by the goroutine that waits.
package client
