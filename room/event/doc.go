// Package event is the wire vocabulary of the chat: what a client may send, what it is sent, the limits, and the codes of
// what can go wrong. It knows neither sockets nor rooms; it has no state, and everything in it may be called from
// any goroutine.
//
// tutorial.go is the dialect of clients that name no subprotocol, error.go the machine codes, json.go what
// both dialects ask of JSON beyond its grammar.
package event
