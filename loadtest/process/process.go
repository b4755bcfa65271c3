package process

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// Grace is how long a process may take to end once it was asked to, before it is killed.
	Grace = 15 * time.Second

	// patience is how long a server may take to say where it listens.
	patience = 20 * time.Second
)

// Process is a running server. Its fields do not change; its methods may be called from any
// goroutine.
type Process struct {
	Pid   int
	Addr  string // HOST:PORT where it listens
	Admin string // HOST:PORT of its private listener; "" if it told none before Addr and none was waited for

	name  string
	grace time.Duration
	cmd   *exec.Cmd
	said  *tail
	asked atomic.Bool   // somebody wanted it to end
	done  chan struct{} // closed once it has ended
	err   error         // set before done is closed
}

// Command is a child that does not outlive this program. When ctx ends it is killed. Whoever calls
// Start on it minds what the package says about threads.
func Command(ctx context.Context, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	return cmd
}

// Start starts a server and waits until a line on its standard error holds addr=HOST:PORT. It fails
// when the server ends before, or says nothing of it for 20 seconds, or ctx ends; then nothing is left
// running, and the error tells what the server said last. When ctx ends later, the server is asked to
// end as by [Process.Stop].
func Start(ctx context.Context, path string, args ...string) (*Process, error) {
	return start(ctx, false, path, args)
}

// StartAdmin is Start for a server that also tells admin=HOST:PORT, which it waits for too.
func StartAdmin(ctx context.Context, path string, args ...string) (*Process, error) {
	return start(ctx, true, path, args)
}

func start(ctx context.Context, admin bool, path string, args []string) (*Process, error) {
	p := &Process{
		name:  filepath.Base(path),
		grace: Grace,
		cmd:   Command(ctx, path, args...),
		said:  &tail{needAdmin: admin, heard: make(chan struct{})},
		done:  make(chan struct{}),
	}
	p.cmd.Stderr = p.said
	p.cmd.Cancel = p.ask
	p.cmd.WaitDelay = p.grace
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.Pid = p.cmd.Process.Pid
	go p.wait()

	silence := time.NewTimer(patience)
	defer silence.Stop()
	select {
	case <-p.said.heard:
		p.Addr, p.Admin = p.said.addresses()
		return p, nil
	case <-p.done:
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%s did not start: %s", p.name, p.outcome())
	case <-ctx.Done():
		_ = p.Stop()
		return nil, ctx.Err()
	case <-silence.C:
		_ = p.cmd.Process.Kill()
		<-p.done
		return nil, fmt.Errorf("%s did not say where it listens within %v: %s", p.name, patience, p.said)
	}
}

// wait sees the process out.
func (p *Process) wait() {
	// The state tells more than the error, which is the context's if that has ended.
	_ = p.cmd.Wait()
	status := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	inOrder := status.Exited() && status.ExitStatus() == 0
	byRequest := p.asked.Load() && status.Signaled() && status.Signal() == syscall.SIGTERM
	if !inOrder && !byRequest {
		p.err = errors.New(p.name + " ended: " + p.outcome())
	}
	close(p.done)
}

// outcome is how the process ended and what it said last.
func (p *Process) outcome() string {
	state := p.cmd.ProcessState.String()
	if said := p.said.String(); said != "" {
		state += ": " + said
	}
	return state
}

// ask asks the process to end.
func (p *Process) ask() error {
	p.asked.Store(true)
	return p.cmd.Process.Signal(syscall.SIGTERM)
}

// Stop asks the process to end (SIGTERM), kills it after [Grace], and returns when it has ended, with
// [Process.Err]. It may be called again.
func (p *Process) Stop() error {
	_ = p.ask()
	select {
	case <-p.done:
	case <-time.After(p.grace):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	return p.err
}

// Done is closed when the process has ended and all that it said has been read.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is nil as long as the process runs. After that it is nil if the process ended with exit code 0,
// or by the SIGTERM that Stop or the context's end has sent it; else it tells how it ended and what it
// said last.
func (p *Process) Err() error {
	select {
	case <-p.done:
		return p.err
	default:
		return nil
	}
}

// Said is what the process wrote to standard error last: at most 20 lines, without line ends, each
// cut after 1000 bytes. The slice is the caller's.
func (p *Process) Said() []string { return p.said.last() }
