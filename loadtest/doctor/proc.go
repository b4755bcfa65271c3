package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"strings"
)

// facts reads files below a root. A file that is not there or may not be read is empty; what is there and makes no
// sense is kept as an error.
type facts struct {
	root fs.FS
	errs []error
}

// text is a file's content without the space around it.
func (f *facts) text(path string) string {
	b, err := fs.ReadFile(f.root, path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// number is a file that holds one number.
func (f *facts) number(path string) int { return f.numbers(path, 1)[0] }

// numbers is a file that begins with n numbers. It always returns n of them.
func (f *facts) numbers(path string, n int) []int {
	text := f.text(path)
	if text == "" {
		return make([]int, n)
	}
	found, err := parseNumbers(text, n)
	f.note(path, err)
	return found
}

// chosen is the word in brackets of a file that lists the choices: always [madvise] never.
func (f *facts) chosen(path string) string {
	_, rest, _ := strings.Cut(f.text(path), "[")
	word, _, ok := strings.Cut(rest, "]")
	if !ok {
		return ""
	}
	return word
}

func (f *facts) note(path string, err error) {
	if err != nil {
		f.errs = append(f.errs, fmt.Errorf("/%s: %w", path, err))
	}
}

// container tells the two engines that leave a mark in the root folder.
func (f *facts) container() string {
	for _, c := range [][2]string{{".dockerenv", "docker"}, {"run/.containerenv", "podman"}} {
		if _, err := fs.Stat(f.root, c[0]); err == nil {
			return c[1]
		}
	}
	return ""
}

// cpus is how many processors this process may run on (proc_pid_status(5), Cpus_allowed_list).
func (f *facts) cpus() int {
	const path = "proc/self/status"
	list, ok := field(f.text(path), "Cpus_allowed_list:")
	if !ok {
		return 0
	}
	n, err := parseList(list, 0, math.MaxInt32)
	f.note(path, err)
	return n
}

// admin reports whether this process has CAP_SYS_ADMIN, which is bit 21 (proc_pid_status(5), CapEff).
func (f *facts) admin() bool {
	word, _ := field(f.text("proc/self/status"), "CapEff:")
	mask, err := strconv.ParseUint(word, 16, 64)
	return err == nil && mask>>21&1 == 1
}

func (f *facts) files() Files {
	const path = "proc/self/limits"
	files := Files{
		NrOpen: f.number("proc/sys/fs/nr_open"),
		Max:    f.number("proc/sys/fs/file-max"),
		Open:   f.number("proc/sys/fs/file-nr"),
	}
	if limits, ok := field(f.text(path), "Max open files"); ok {
		found, err := parseNumbers(limits, 2)
		f.note(path, err)
		files.Soft, files.Hard = found[0], found[1]
	}
	return files
}

func (f *facts) ports() Ports {
	const reserved = "proc/sys/net/ipv4/ip_local_reserved_ports"
	found := f.numbers("proc/sys/net/ipv4/ip_local_port_range", 2)
	p := Ports{First: found[0], Last: found[1]}
	var err error
	p.Reserved, err = parseList(f.text(reserved), p.First, p.Last)
	f.note(reserved, err)
	return p
}

func (f *facts) clock() Clock {
	const folder = "sys/devices/system/clocksource/clocksource0/"
	return Clock{
		Source:  f.text(folder + "current_clocksource"),
		Sources: strings.Fields(f.text(folder + "available_clocksource")),
	}
}

// field is what stands behind a name at the start of a line.
func field(text, name string) (string, bool) {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strings.TrimSpace(rest), true
		}
	}
	return "", false
}

// parseNumbers reads the first n words as numbers. It always returns n of them, all 0 with an error.
func parseNumbers(text string, n int) ([]int, error) {
	words := strings.Fields(text)
	if len(words) < n {
		return make([]int, n), fmt.Errorf("want %d numbers, found %.80q", n, text)
	}
	found := make([]int, n)
	for i := range found {
		var err error
		if found[i], err = parseNumber(words[i]); err != nil {
			return make([]int, n), err
		}
	}
	return found, nil
}

// parseNumber reads a number that is not negative. The words for no limit, and numbers too large, are [math.MaxInt].
func parseNumber(word string) (int, error) {
	switch word {
	case "max", "unlimited", "-1":
		return math.MaxInt, nil
	}
	n, err := strconv.Atoi(word)
	if errors.Is(err, strconv.ErrRange) && n > 0 {
		return math.MaxInt, nil
	}
	if err != nil || n < 0 {
		return 0, fmt.Errorf("want a number, found %.80q", word)
	}
	return n, nil
}

// parseList counts the numbers of a list such as 0-3,8 that lie between first and last, both included. The kernel
// writes each number once; here one that is written twice counts twice.
func parseList(list string, first, last int) (int, error) {
	n := 0
	for part := range strings.SplitSeq(strings.TrimSpace(list), ",") {
		if part == "" {
			continue
		}
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		a, err := strconv.ParseUint(from, 10, 31)
		if err != nil {
			return 0, fmt.Errorf("want a list of numbers, found %.80q", list)
		}
		b, err := strconv.ParseUint(to, 10, 31)
		if err != nil || b < a {
			return 0, fmt.Errorf("want a list of numbers, found %.80q", list)
		}
		n += max(min(int(b), last)-max(int(a), first)+1, 0)
	}
	return n, nil
}
