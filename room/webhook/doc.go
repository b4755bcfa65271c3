// Package webhook tells an HTTP endpoint what happens in the chat: it reads events from where they are kept, in their order, and
// posts each until the endpoint accepts it. It knows neither hub nor log: what it needs of them is a Source.
//
//	webhook.go  Event, Source, Config, Dispatcher: the one goroutine that decides what is read, posted and done
//	lane.go     whose turn it is: a lane for each user, and what is not accepted yet
//	post.go     one attempt; sign.go what proves it to be ours
//	metrics.go  what is counted
//
// # What is promised
//
// Each event is posted until the endpoint answers with 2xx, or until it is older than Config.Keep, when it is dropped, counted and
// logged. Any other answer, whatever its number, is a failure and tried again: an endpoint that answers 404 or 410 is one that is being
// set up, or has been lost, more often than one that means it. Between two tries there are up to 1, 2, 4 … 300 seconds, drawn
// evenly (full jitter), or as long as Retry-After says, within the same bound.
//
// The events of one user are posted one at a time, in their order; those of different users at once, Config.Workers of them. An
// event that is refused again and again holds up its user's only: what comes of others is read past it. When so many posts in a row
// have failed as there are workers, one at a time is tried, with a pause of up to 30 seconds, until one is accepted.
//
// The cursor is the seq up to which all is accepted. It is saved once a second, so that after a crash the events of that second may be
// posted again, and with them whatever is behind one that is not accepted: with the same id. Two dispatchers at once, for the moment in
// which one takes over from another, lead to repeats and to nothing else: each posts every user's events in order, from one that was not
// accepted, so that what comes first of each event comes in order.
//
// # Bounds
//
// Texts of 4,096 events or 16 MiB are held in memory, and the places of 262,144 that are not accepted; what is beyond waits in the log.
// An attempt ends after Config.Timeout, connecting and answer included; 4 KiB of an answer are read, and redirects are not followed.
package webhook
