// Package admin is what operators and programs of the server's side use: the API below /api/ of the private listener. It knows
// nothing of the chat but the interfaces that it declares, Chat and Stats, which whoever joins the halves implements.
//
//	admin.go       Config, Server: making, closing, and the bound on what is done at once
//	route.go       what can be asked for, and how a path finds it
//	call.go        a request on its way to an answer; error.go, what a refusal says
//	door.go        who may ask: keys, and without any who is on this machine; failures.go, how often one may fail
//	keys.go        keys, their scopes, and the file they stand in; keyring.go reads it again when it changes
//	read.go        bodies and queries, read strictly
//	idempotent.go  the first answer again
//	page.go        the page for operators, in page/: plain ES modules without a build step, that ask the API
//	openapi.go     the document that says all this to programs
//	chat.go        what is needed of the chat; stats.go, of what is counted; series.go, how that was lately
//	publish.go     sending; people.go, who is where; said.go, what was said; moderation.go;
//	               trace.go, what happens to somebody or a message
//
// # The journey of a request
//
// The path as it was sent finds a route; nothing is cleaned, and no header changes the method. Then it is asked whose the request is
// (Authorization: Bearer KEY, and nowhere else), and whether the key has the route's scope. A body is read whole, at most as
// large as the largest message and a little more, within ten seconds. What comes twice under one Idempotency-Key is answered as the
// first time. The handler asks the chat, with a context of ten seconds, and the answer is JSON; a refusal is
// {"error":{"code","message","request_id"}}. X-Request-Id is the caller's, or made, and stands in the log line that each change leaves.
//
// # Browsers
//
// A page of another origin is refused, by Origin and by Sec-Fetch-Site, whatever it brings along. Without keys the API answers this
// machine only, and only when it is called by a name of this machine: a name that was made to lead here (DNS rebinding) is none. It
// takes a request that a proxy has passed on for one from elsewhere. What has no keys but is not for other sites' pages, as profiles are,
// stands behind Guard, which takes any IP address in Host, since no name leads to it.
//
// # Bounds
//
// 64 requests at once; ten seconds each, but for a trace, which has ten minutes and ends when a line is not taken for ten seconds; 65,536 answers that are remembered, for ten minutes; 20 failures of an address (of IPv6, a
// /64) at once and one more every three seconds, for 16,384 addresses.
package admin
