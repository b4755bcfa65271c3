package doctor

import (
	"fmt"
	"math"
)

const (
	// workerReserve is how many of its files a worker process keeps for what is no user: its loop, the pipes to the
	// coordinator, the runtime.
	workerReserve = 200
	// serverReserve is the engine's own (throng/engine, limits.go), which the load tester may not import.
	serverReserve = 128
)

// serverSockets is how many sockets a server with so many files admits: the engine keeps a reserve, and twice 1/16, 64
// to 4,096, for requests that are under way and for pages.
func serverSockets(files int) int {
	return max(files-2*min(max(files/16, 64), 4096)-serverReserve, 16)
}

// serverFiles is the least open-file limit with which a server admits so many sockets.
func serverFiles(sockets int) int {
	low, high := 0, sockets+2*4096+serverReserve
	for low < high {
		if mid := (low + high) / 2; serverSockets(mid) >= sockets {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}

// workerUsers is how many users a worker process with so many files can hold: all but the reserve, or half where the limit
// is so low that the reserve would be most of it.
func workerUsers(files int) int { return max(files-workerReserve, files/2, 1) }

// limit is the open-file limit of a process; where it is not known, the least that a Linux system gives.
func (f Files) limit() int {
	if f.Soft == 0 {
		return 1024
	}
	return min(f.Soft, 1<<30)
}

// Workers is how many worker processes a number of users asks for, by the open-file limit: each keeps a reserve of 200
// files. It is at least 1.
func Workers(m Machine, users int) int {
	return max(share(users, workerUsers(m.Files.limit())), 1)
}

// Servers is how many servers a number of users asks for, by the open-file limit, if each is given an equal share. It is at
// least 1.
func Servers(m Machine, users int) int {
	return max(share(users, serverSockets(m.Files.limit())), 1)
}

// serverFilesCheck judges the open-file limit of a server that is to hold so many sockets. short is the level of a
// limit that is too low.
func (m Machine) serverFilesCheck(sockets int, short Level) Check {
	c := Check{Name: "open-files"}
	room := serverSockets(m.Files.limit())
	c.Found = fmt.Sprintf("%s a process: room for %s", m.Files.words(), plural(room, "socket"))
	if room < sockets {
		c.Level = short
		c.Found += fmt.Sprintf(", %s wanted", count(sockets))
		c.Advice = m.raiseFiles(serverFiles(sockets))
	}
	return c
}

// systemFiles judges the limit of the whole system, for so many files more than are open now.
func (m Machine) systemFiles(files int) Check {
	c := Check{Name: "system-files"}
	if m.Files.Max == 0 {
		c.Found = "limit not known"
		return c
	}
	c.Found = fmt.Sprintf("%s on the whole system, %s open", orUnlimited(m.Files.Max), count(m.Files.Open))
	if left := m.Files.Max - m.Files.Open; left < files {
		c.Level = Fail
		c.Found += fmt.Sprintf(": %s more wanted", count(files))
		if m.Admin {
			c.Level = Warn
			c.Found += "; root may, others not"
		}
		c.Advice = fmt.Sprintf("sysctl -w fs.file-max=%d", roomy(m.Files.Open+files))
	}
	return c
}

// words is the limit of this process.
func (f Files) words() string {
	switch {
	case f.Soft == 0:
		return "limit not known, 1,024 assumed"
	case f.Soft != f.Hard:
		return fmt.Sprintf("%s (hard limit %s)", orUnlimited(f.Soft), orUnlimited(f.Hard))
	}
	return orUnlimited(f.Soft)
}

func orUnlimited(n int) string {
	if n == math.MaxInt {
		return "unlimited"
	}
	return count(n)
}

// raiseFiles tells how to give a process so many files.
func (m Machine) raiseFiles(files int) string {
	files = roomy(files)
	ceiling := ""
	if m.Files.NrOpen > 0 && files > m.Files.NrOpen {
		ceiling = fmt.Sprintf("sysctl -w fs.nr_open=%d", files)
	}
	other := fmt.Sprintf("LimitNOFILE=%d       # or with systemd: systemctl edit throng, below [Service]", files)
	if m.Container != "" {
		other = fmt.Sprintf("%s run --ulimit nofile=%d:%d …   # or so, where the container may not", m.Container, files, files)
	}
	return lines(ceiling, fmt.Sprintf("ulimit -n %d         # as root, in the shell that starts throng", files), other)
}
