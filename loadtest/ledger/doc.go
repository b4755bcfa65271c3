// Package ledger keeps the account of a load run: of every message and every recipient it says whether the message came
// once, never, twice or after a later one. The sums are exact over all worker processes, not sampled, and memory is
// bounded by the number of streams, whatever the number of messages.
//
// # Who talks to whom
//
// A stream is one sender in one conversation. Its messages are numbered 1, 2, 3 and so on. [Shape] says by arithmetic
// alone which streams there are and who hears them: each chat has a few talkers whose broadcasts all of the chat get,
// themselves included, each user sends directly to a few others, and where there are rooms each user is in two, which have
// talkers too. So every user is the recipient of the same number of streams, a row of slots, and a message names its stream
// by its [Kind] and slot.
//
// [Sent] gives out the numbers. [Stamp] writes stream, number and time into the message's text, and [Find] and [Parse]
// read them from what a recipient got. [Book] does the rest.
//
// # How it is counted
//
// For each stream to each recipient a book holds the highest number that has come. The usual message is the next one.
// Otherwise, with 5 as the highest:
//
//	comes   counts as                            then
//	6       delivered                            the highest is 6
//	9       delivered                            the highest is 9; 7 and 8 are missing
//	8       delivered and reordered              7 is missing
//	8       duplicated                           it has come before
//	6       duplicated
//
// What the server refused, and its sender said again, is never reordered: it has its place where it was said last, and others
// were on their way by then.
//
// When all is sent, and [Book.Settle] is told that there were 10, then 7 and 10 are lost: nine numbers less one are
// delivered, and
//
//	sent 10, expected 10, delivered 8, lost 2, reordered 1, duplicated 2
//
// Expected = Delivered + Lost always holds, since what was expected is what came and what was owed and did not come. What
// did not come and was not owed is Excused:
//
//   - A broadcast is owed to those who were connected during the whole of the second in which it was sent, from
//     [OwedBefore] before it until [OwedAfter] after it.
//   - A direct message, and one in a room, is owed to everyone who was connected at any time: scenarios send none to users who
//     leave, unless what they miss is kept for them.
//   - With Config.Kept a broadcast is owed to everyone from [OwedBefore] after their first coming on, there or not.
//   - Nothing is owed to a user who never joined, or for whom [Book.Excuse] was called.
//
// A delivery is late if it is the message's first and comes more than Config.LateAfter after the message was meant to be
// sent, unless the generator itself had sent it tardily, or it was kept for its sender or recipient, who was away.
//
// What is not a whole stamp of this run, on a stream of this recipient, from the sender of that stream, with a number from
// 1 on, is corrupted. It changes no stream: the message that it may once have been is lost besides.
//
// # Its bounds
//
// What is missing is remembered as spans of numbers, at most Config.Spans over all streams. When they are used up, the
// lowest span of the stream that needs another one is written off: its numbers are lost for good, whether they were owed or
// not, and are counted in [Account].WrittenOff too. Of numbers up to its end nobody knows any more which have come; one
// that arrives is Unsure, and neither delivered nor duplicated. So the sums stay exact, but some of the lost may have come.
//
// # Threads
//
// A [Book] and a [Sent] may be used from any goroutine. [Shape] is a value. A [Merger], [Account] or [SentReport] is one
// goroutine's.
package ledger
