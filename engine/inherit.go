package engine

import (
	"math"
	"net"
	"syscall"

	"github.com/lesismal/nbio"
	"golang.org/x/sys/unix"
)

// nbio marks none of its descriptors close-on-exec: what this process starts, above all the one that follows it at a
// hand-over, would hold every connection that is open now, and have so many files fewer.

// adopt makes a connection one of nbio's, by a duplicate of its descriptor, and closes the one given.
func adopt(conn net.Conn) (*nbio.Conn, error) {
	syscall.ForkLock.RLock() // no process is started between the two
	defer syscall.ForkLock.RUnlock()
	sock, err := nbio.NBConn(conn)
	if err == nil {
		syscall.CloseOnExec(sock.Hash())
		forgetAddresses(sock)
	}
	return sock, err
}

// startPollers starts the loop, and marks what it polls with, as it does all that the process has open: Go opens nothing
// that a child is to have. Linux before 5.11 cannot; there a child has these few descriptors, and they do nothing.
func startPollers(loop *nbio.Engine) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	err := loop.Start()
	_ = unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC)
	return err
}
