// Package report is the memory and the voice of a load run: what a run found out, and the forms in which it is said.
//
// A [Result] is the whole of it, a plain value. The coordinator of a run fills it in; all else here reads it:
//
//   - result.go: the value, which is also the JSON form.
//   - latency.go: histograms that worker processes record into, send on and merge; what of them goes into a Result.
//   - metric.go, slo.go: the figures of a Result by name, and service levels on them.
//   - outcome.go: the one sentence on top of every form.
//   - text.go: the summary at the end of a run in the terminal.
//   - live.go: the view while the run goes on, redrawn in place on a terminal, plain lines elsewhere.
//   - html.go, tables.go, page.html: the report to hand on, one file that needs no network. plots.go says what is drawn
//     there, chart.go how a line is, axis.go where.
//   - file.go, compare.go: results read back, and two of them side by side.
//   - format.go, columns.go: numbers, times and sizes as people read them, the same in all forms.
//
// # Trust
//
// Names and error texts in a Result come from a server under test, and a file to compare may come from anywhere. So
// what is printed on a terminal is stripped of control characters, what goes into the page is escaped by html/template,
// and what is read is bounded in size.
//
// # Threads
//
// The package has no state and starts no goroutine. Functions may be called from any goroutine as long as nobody
// changes the Result meanwhile. A [Live] belongs to one goroutine, and so does a histogram.
package report
