// Command soak keeps one server busy for a long time and says whether anything of it grows. It is what `make soak` runs: an hour,
// or SOAK=10m of it. It needs Linux.
//
// # The load
//
// Five runs of "throng load" stand side by side against one server and are started anew whenever they end, until the time is over:
// chat, churn and slow readers over v2, churn and slow readers in the tutorial dialect. They begin apart, so that at any time one of
// them comes or goes while the others talk. Each run has nicks, rooms and conversations of its own, and everyone hears what the
// talkers of all runs say to everyone.
//
// Every run accounts for its deliveries. Lost, duplicated or reordered ones are failures, and so are messages that nobody sent so,
// except that a run also counts those of the other runs among them: these are taken off again, by the reason that it gives. A run
// that says that the generator was the bottleneck (exit code 4) has counted just as exactly, and is told of alone.
//
// # What is kept
//
// The server keeps at most ten times as many messages of a conversation as all loads say a second, from 1,000 to a million, and
// each for a tenth of the time, at least three times as long as a run sends and half a minute, and at most ten minutes: what is
// gone before its reader has come back would count as lost. Otherwise its log would grow for as long as anybody speaks, and
// rightly so. --rate is 0, all else is the default.
//
// # The verdict
//
// The server's /metrics are read all the time. The first fifth is left out, and at least the twenty minutes that a
// server takes, under the default load, to fill what it keeps within bounds of its own: nicks of those who have gone,
// for five minutes; the store's buffers (two of 32 MiB), its cache (32 MiB) and its WAL, of which it keeps five files
// of 30 MiB to be used again; what the log knows of at most 16,384 conversations. Of a short soak that is two thirds,
// and a soak of less than half an hour, which shows ten minutes, may call grown what only fills: /debug/pprof/heap of
// the private listener, whose address stands in the first line, tells. The rest is cut into at most twelve blocks of
// equal length, and a line of least squares goes through their means: that way what comes and goes with a run's users
// is averaged within a block, and samples that follow each other closely do not make the line look more certain than it
// is. A figure is flat as long as the slope is within its bound, or less than twice its standard error: "within noise",
// which in a short soak is likely, and says little. What falls does not leak.
//
//	resident memory, heap after a collection, log on disk    5 % of the mean in an hour
//	descriptors beyond those of connections, goroutines      1 % of the mean number of connections in an hour, at least 10
//
// Before the first user and after the last one garbage is collected and all is read once more: then there must be no connection,
// and no more descriptors and goroutines left than the same bound allows. The exit code is 1 when something grows, was left behind
// or was lost.
package main
