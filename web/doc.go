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
// client/js/connection.js owns the socket: it connects, asks why a handshake was
// refused, and comes back with a jittered back-off (backoff.js, codes.js). It
// hands text frames to chat.js, the model, which decodes them (tutorial.js),
// keeps the latest entries and the outbox (outbox.js) and tells of each change by
// an event. The modules in client/js/view/ listen and draw; main.js wires them
// together. A typed message goes the other way: view, chat, outbox, connection.
// Models touch no DOM, so `node --test` runs them as they are.
//
// Text reaches the DOM by textContent and <template> only. The policy of
// security.go forbids the rest: inline scripts and styles, foreign hosts, frames,
// and, where the browser knows Trusted Types, any parsing of strings as HTML.
//
// # Threads
//
// What Handler and Dev return may be used from any number of goroutines. Nothing
// in the package is changed after it was made, so there are no locks.
package web
