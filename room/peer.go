package room

// Frame is one message, or several joined, encoded for the wire. It is immutable and shared: a broadcast makes one and
// hands it to every peer.
type Frame interface {
	Size() int // bytes on the wire
}

// Wire encodes messages. Its methods may be called from any goroutine; they copy what they are given.
type Wire interface {
	// Message is one message of text, which must be UTF-8, or of bytes.
	Message(isBinary bool, payload []byte) Frame
	// Join is the messages of several frames in their order, to be written as one.
	Join(frames []Frame) Frame
}

// Peer is the connection below a session. Its methods may be called from any goroutine and never block.
type Peer interface {
	// Send queues a frame behind those queued before; false means that the connection is closing.
	Send(Frame) bool
	// Flush writes what is queued. Who queued frames for many peers flushes each once.
	Flush()
	// Queued is how many bytes wait to be written.
	Queued() int
	// IsIdle reports whether nothing is to be done for the client, which has been let in: all that has come is read. So it is of one that
	// is gone.
	IsIdle() bool
	// Close ends the connection after what is queued, with a close code and a reason of at most 123 bytes.
	Close(code uint16, reason string)
}
