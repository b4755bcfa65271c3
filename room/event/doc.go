// Package event is the wire vocabulary of the chat: what a client may send, what it is sent, the limits, and the codes of
// what can go wrong. It knows neither sockets nor rooms; it has no state, and everything in it may be called from
// any goroutine.
//
//	tutorial.go    the dialect of clients that name no subprotocol, both ways
//	v2_in.go       what clients of version 2 send, frame by frame; v2_members.go: what their keys mean
//	v2_moderate.go what moderators send, and what is heard of it
//	v2_msg.go      a chat message as version 2 has it
//	v2_reply.go    what else answers a client; v2_push.go: what the server says by itself
//	conv.go        names of conversations, from the reader's side
//	error.go       why something was refused; close.go: the close codes, and tables of all codes
//	json.go        what both dialects ask of JSON beyond its grammar
//	gen            writes the codes as a module for the browser
//
// Encoders append to what they are given and are right for any text: bytes that are not UTF-8 become U+FFFD. What is JSON
// already, an id or a message, stands as it is and must be JSON that came in here. Every object is one line. A key that
// does not apply is left out: to_user of what is not direct, room of what is not a named room, an empty cid.
//
// # The golden file
//
// testdata/v2.json is for every implementation of the protocol to read. Its "out" has what the server sends: "write" says
// which object, "of" what it is made of, and "text" is the object, byte for byte. Its "in" has what a client may
// send: a "frame", and in "got" an object for each one in the frame, with what is understood of it; id and message
// stand there as the JSON text that came, and "from" is the position of a join. With a "code", the object is refused with
// this code and the "error" as message.
package event

//go:generate go run ./gen ../../web/client/js/codes.gen.js
