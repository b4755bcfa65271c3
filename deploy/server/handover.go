package server

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/cloudflare/tableflip"
	"github.com/coreos/go-systemd/v22/daemon"
)

// Handover passes the listeners of this process to a new one, which the binary's file starts as, with the same arguments: so
// whoever connects meanwhile waits in the kernel's queue and is not refused. The new process takes over the log when the old one
// has ended; two never have it at once. Its methods may be called from any goroutine; a nil *Handover passes nothing.
type Handover struct{ flip *tableflip.Upgrader }

// startWithin is how long the new process may take until it has understood its settings and has the listeners.
const startWithin = time.Minute

// NewHandover takes what the process before has passed, if there is one. A process calls it once.
func NewHandover() (*Handover, error) {
	flip, err := tableflip.New(tableflip.Options{UpgradeTimeout: startWithin})
	if err != nil {
		return nil, fmt.Errorf("hand-over: %w", err)
	}
	return &Handover{flip}, nil
}

// isHeir reports whether a process before this one has passed its listeners on and has yet to end.
func (h *Handover) isHeir() bool { return h != nil && h.flip.HasParent() }

// listen gives the listener of the process before, or opens one.
func (h *Handover) listen(address string, open func() (net.Listener, error)) (net.Listener, error) {
	if h == nil {
		return open()
	}
	opened := false
	l, err := h.flip.ListenWithCallback("tcp", address, func(_, _ string) (net.Listener, error) {
		opened = true
		return open()
	})
	if err != nil || opened {
		return l, err
	}
	return inherited{l.(*net.TCPListener)}, nil
}

// inherited is a listener of the process before. Its file does not say that accepted sockets are to have no TCP keep-alive.
type inherited struct{ *net.TCPListener }

func (l inherited) Accept() (net.Conn, error) {
	conn, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	_ = conn.SetKeepAlive(false) // fails only on a socket that is gone, which is noticed soon
	return conn, nil
}

// succeed says that this process can go on, and waits until the one before it has ended, or ctx has.
func (h *Handover) succeed(ctx context.Context) error {
	tellSystemd(fmt.Sprintf("MAINPID=%d", os.Getpid())) // before the old one ends, or the unit would end with it
	if err := h.flip.Ready(); err != nil {
		return fmt.Errorf("hand-over: %w", err)
	}
	if err := h.flip.WaitForParent(ctx); err != nil {
		return fmt.Errorf("hand-over: the process before did not end: %w", err)
	}
	return nil
}

// ready says that this process serves, and may pass its listeners on. After succeed it does nothing.
func (h *Handover) ready() error {
	if h == nil || h.isHeir() {
		return nil
	}
	return h.flip.Ready()
}

// Pass starts the new process and returns when it has the listeners and waits for this one to end. After an error this one goes
// on as if nothing had been.
func (h *Handover) Pass() error {
	if err := h.flip.Upgrade(); err != nil {
		return fmt.Errorf("hand-over: %w", err)
	}
	return nil
}

// Stop ends a process that was started to follow and does not have the listeners yet, and has Pass fail from then on.
func (h *Handover) Stop() {
	if h != nil {
		h.flip.Stop()
	}
}

// tellSystemd tells the service manager about this process, where there is one that wants to know (sd_notify(3)).
func tellSystemd(state string) {
	_, _ = daemon.SdNotify(false, state) // whether it hears changes nothing here
}
