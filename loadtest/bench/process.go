package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is a server under measurement, ours or a stand-in. It is started and stopped by the main
// goroutine, which is tied to the main thread: a child is killed when the thread that started it ends.
type process struct {
	cmd   *exec.Cmd
	addr  string // HOST:PORT
	admin string // HOST:PORT of the private listener, "" without one
	ended chan struct{}
}

var address = regexp.MustCompile(`\b(addr|admin)="?([0-9.:\[\]]+)`)

// command is a child process that does not outlive this one.
func command(ctx context.Context, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// launch starts a server and waits until it has said on standard error where it listens.
func launch(ctx context.Context, admin bool, path string, args ...string) (*process, error) {
	cmd := command(ctx, path, args...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, ended: make(chan struct{})}
	silence := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	lines := bufio.NewScanner(stderr)
	var said []string
	for (p.addr == "" || admin && p.admin == "") && lines.Scan() {
		said = append(said, lines.Text())
		for _, m := range address.FindAllStringSubmatch(lines.Text(), -1) {
			if m[1] == "addr" {
				p.addr = m[2]
			} else {
				p.admin = m[2]
			}
		}
	}
	silence.Stop()
	go func() {
		defer close(p.ended)
		for lines.Scan() {
			if !strings.Contains(lines.Text(), "level=INFO") {
				fmt.Fprintln(os.Stderr, lines.Text())
			}
		}
		_ = cmd.Wait()
	}()
	if p.addr == "" || admin && p.admin == "" {
		p.stop()
		return nil, fmt.Errorf("%s did not say where it listens: %s", filepath.Base(path), strings.Join(said, " | "))
	}
	return p, nil
}

// stop asks the process to end, and makes it after three seconds.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(3 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// cpuTime is the processor time that a process has used in all its threads, kernel included, from
// the clock that the kernel keeps of it in nanoseconds (clock_getcpuclockid(3)).
func cpuTime(pid int) (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &ts); err != nil {
		return 0, fmt.Errorf("CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(ts.Nano()), nil
}

// machineTime is the processor time that all programs have used, with what the hypervisor took away,
// in ticks of ten milliseconds (proc(5), /proc/stat).
func machineTime() (time.Duration, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	var user, nice, system, idle, wait, irq, softirq, steal int
	_, err = fmt.Sscanf(string(b), "cpu %d %d %d %d %d %d %d %d", &user, &nice, &system, &idle, &wait, &irq, &softirq, &steal)
	return time.Duration(user+nice+system+irq+softirq+steal) * 10 * time.Millisecond, err
}

// resident is the process's memory in bytes.
func (p *process) resident() (int, error) {
	n, err := p.procField("smaps_rollup", "Rss:")
	return n << 10, err
}

func (p *process) threads() (int, error) { return p.procField("status", "Threads:") }

func (p *process) procField(file, name string) (int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, file))
	if err != nil {
		return 0, err
	}
	_, after, _ := bytes.Cut(b, []byte("\n"+name))
	words := bytes.Fields(after)
	if len(words) == 0 {
		return 0, fmt.Errorf("no %s in /proc/PID/%s", name, file)
	}
	return strconv.Atoi(string(words[0]))
}

// debug fetches a page below /debug/pprof/ of the private listener.
func (p *process) debug(page string) ([]byte, error) {
	answer, err := http.Get("http://" + p.admin + "/debug/pprof/" + page)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("/debug/pprof/%s: %s", page, answer.Status)
	}
	return body, err
}

// goroutines counts the process's goroutines.
func (p *process) goroutines() (int, error) {
	page, err := p.debug("goroutine?debug=1")
	if err != nil {
		return 0, err
	}
	var n int
	_, err = fmt.Sscanf(string(page), "goroutine profile: total %d", &n)
	return n, err
}

// settle collects garbage and waits until the process's memory has not changed by more than half a
// percent for a second, or for 15 seconds, and returns it in bytes.
func (p *process) settle(ctx context.Context) (int, error) {
	if _, err := p.debug("heap?gc=1"); err != nil {
		return 0, err
	}
	last, since := 0, time.Now()
	for begin := since; time.Since(begin) < 15*time.Second; {
		now, err := p.resident()
		if err != nil {
			return 0, err
		}
		if max(now-last, last-now) > last/200 {
			last, since = now, time.Now()
		}
		if time.Since(since) > time.Second {
			break
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return last, nil
}
