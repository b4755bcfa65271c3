package history

import "context"

// walker reads a whole log that nobody writes to, for a move. It changes nothing of it. Any goroutine may use it,
// but for close.
type walker interface {
	// epoch is the log's, and origin where it was moved from; nil: it was not.
	epoch() string
	origin() *origin

	// messages hands over all messages behind a seq, in the order of their seqs. Those of a Stream lack their Prev.
	messages(ctx context.Context, after uint64, f func(Message) error) error

	// claims, directs and marks hand over all of a kind, in any order. Every claim that a direct conversation or marks are of is
	// told, even one that was dropped.
	claims(ctx context.Context, f func(Claim) error) error
	directs(ctx context.Context, f func(claim uint64, d Direct) error) error
	marks(ctx context.Context, f func(claim uint64, conv string, m Marks) error) error

	// find is Log.Find.
	find(ctx context.Context, mid string) (Message, bool, error)

	// upTo gives the newest message of a conversation whose seq is not above one, which is not 0; isLast is that there is none
	// behind it.
	upTo(ctx context.Context, conv string, seq uint64) (m Message, isLast, found bool, err error)

	// close ends the reading.
	close() error
}
