// Package web is the browser client: a page of plain ES modules that is compiled
// into the program, and the handler that serves it.
//
// # The journey of a page
//
// Handler reads client/ once, when the program starts. A digest over all names
// and contents becomes part of every asset's address, /static/<digest>/js/main.js,
// so an asset never changes under its address and browsers may keep it for a year.
// index.html carries those addresses; it alone is asked for anew each time, and is
// answered with 304 when nothing changed. Imports between modules are relative,
// so they stay within the digest without being rewritten.
//
// Each asset waits in memory in two variants, plain and gzip. A request costs one
// map look-up and one write; the file system is not touched again. Dev does the
// same work on each request from a folder, for those who edit the client.
//
// # The journey of a message in the page
//
// client/js/throng/ is a client library of its own; throng.js is its door, and who wants to write another client needs
// nothing else (but codes.gen.js, which go generate makes from room/event). From the bottom up:
//
//	link.js           one socket that comes back: hello, welcome, sign of life, close codes, back-off (backoff.js)
//	frames.js         objects and batches of them
//	calls.js          questions that wait for their answers
//	conversation.js   the order of one conversation: duplicates, gaps, recovery; conversations.js keeps the positions
//	postman.js        brings each message to its ack, under one cid, from an outbox (outbox.js) that outlives the page
//	pass.js           the token of who needs one, shown with each hello and again before it ends
//	rooms.js          the rooms to be in; receipts.js how far one has got; store.js what is kept between visits
//
// client/js/chat/ is what a person sees of it, without a page: chats.js all chats and which is open, chat.js one of
// them with its counts, thread.js a window on its messages, people.js who is there. The modules in client/js/view/ listen
// to them and draw; view/app.js wires them together, main.js goes from the login to the chat and back. Models touch no
// DOM, so `node --test` runs them as they are (test/).
//
// A typed message goes from view/composer.js to chats.js, throng.js, postman.js and link.js, and is seen at once as a
// parcel. Its ack makes it a line of the thread. What others say comes up the same road through conversation.js.
//
// Long lists cost what is seen of them: view/list.js draws the rows in sight, and a thread holds 300 messages at most.
//
// Text reaches the DOM by textContent and <template> only. The policy of security.go forbids the rest: inline scripts and
// styles, foreign hosts, frames, and, where the browser knows Trusted Types, any parsing of strings as HTML.
//
// # Tests
//
// What the chat is for is tested in a real Chromium against the real program. What a real server does only on a bad
// day, lost acks, gaps, a lost log, a hundred thousand people, is done by a small fake one (fake_test.go).
//
// # Threads
//
// What Handler and Dev return may be used from any number of goroutines. Nothing
// in the package is changed after it was made, so there are no locks.
package web
