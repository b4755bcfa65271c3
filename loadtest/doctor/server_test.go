package doctor

import (
	"slices"
	"strings"
	"testing"
)

// printed is what Print writes.
func printed(checks []Check) string {
	var b strings.Builder
	Print(&b, checks)
	return b.String()
}

// named finds a check.
func named(t *testing.T, checks []Check, name string) Check {
	t.Helper()
	i := slices.IndexFunc(checks, func(c Check) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("no check %q in\n%s", name, printed(checks))
	}
	return checks[i]
}

// sane holds each check to what is promised of all.
func sane(t *testing.T, checks []Check) {
	t.Helper()
	names := map[string]bool{}
	for _, c := range checks {
		if c.Name == "" || c.Found == "" || strings.ContainsAny(c.Found, "\r\n") || names[c.Name] {
			t.Errorf("bad check %+v", c)
		}
		if (c.Level == OK) != (c.Advice == "") {
			t.Errorf("advice for what is fine, or none for what is not: %+v", c)
		}
		names[c.Name] = true
	}
}

func TestServer(t *testing.T) {
	type want struct {
		name   string
		level  Level
		found  string // in Found
		advice string // in Advice
	}
	tests := []struct {
		name  string
		box   box
		conns int
		want  []want
	}{
		{"vps, how many", vps, 0, []want{
			{"capacity", OK, "about 768 sockets a server; more is up to open-files", ""},
			{"open-files", Warn, "1,024 (hard limit 4,096) a process: room for 768 sockets, 10,000 wanted", "ulimit -n 16384 "},
			{"open-files", Warn, "", "LimitNOFILE=16384 "},
			{"system-files", OK, "48,000 on the whole system, 1,184 open", ""},
			{"somaxconn", Warn, "128 connections may wait", "sysctl -w net.core.somaxconn=4096"},
			{"syn-backlog", Warn, "no SYN cookies", "sysctl -w net.ipv4.tcp_syncookies=1"},
			{"ports", OK, "28,232 ports (32768 to 60999)", ""},
			{"memory", OK, "200.0 MiB free; about 85.4 MiB wanted", ""},
			{"socket-memory", Warn, "41.6 MiB for messages", "sysctl -w net.ipv4.tcp_mem='7680 10240 15360'"},
			{"memory-limit", OK, "none: ", ""},
			{"swap", Warn, "128.0 MiB of 1.0 GiB in use", "MemorySwapMax=0 "},
			{"huge-pages", Warn, "always: ", "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled"},
			{"conntrack", Fail, "412 of 7,680", "sysctl -w net.netfilter.nf_conntrack_max=16384"},
			{"clock", Warn, "source hpet; slow", "echo kvm-clock > "},
		}},
		{"vps, too many", vps, 60_000, []want{
			{"open-files", Fail, "60,000 wanted", "ulimit -n 131072"},
			{"system-files", Fail, "more wanted", "sysctl -w fs.file-max=131072"},
			{"ports", Warn, "cannot hold 60,000", "# let the proxy spread its connections over 3 addresses"},
			{"memory", Fail, "352.4 MiB wanted", "throng --max-conns 31457"},
		}},
		{"vps, few", vps, 500, []want{
			{"open-files", OK, "", ""},
			{"memory", OK, "", ""},
			{"conntrack", OK, "", ""},
		}},
		{"lab, how many", lab, 0, []want{
			{"machine", OK, "2 processors of which the cgroup grants 1.5, 23.5 GiB of memory, of which the cgroup grants 4.0 GiB", ""},
			{"capacity", OK, "17,372 sockets", ""},
			{"open-files", OK, "", ""},
			{"somaxconn", OK, "", ""},
			{"conntrack", OK, "", ""},
			{"clock", OK, "source tsc", ""},
		}},
		{"lab, many", lab, 1_000_000, []want{
			{"open-files", Fail, "", "docker run --ulimit nofile=1048576:1048576 "},
			{"somaxconn", Warn, "65,535 wanted", "docker run --sysctl net.core.somaxconn=65535 "},
			{"memory", Fail, "", "docker run --memory 7744m"},
			{"socket-memory", Warn, "1,000,000 sockets want a page each", "1000448"},
			{"conntrack", Warn, "none tracked now", "nf_conntrack_max=1048576"},
		}},
		{"lab, more than root may grant", lab, 1_200_000, []want{
			{"open-files", Fail, "", "sysctl -w fs.nr_open=2097152\nulimit -n 2097152 "},
		}},
		{"lab, a proxy", lab, 50_000, []want{
			{"ports", Warn, "cannot hold 50,000", "sysctl -w net.ipv4.ip_local_port_range='10240 65535'"},
		}},
		{"tuned", tuned, 1_000_000, []want{
			{"capacity", OK, "2,088,832 sockets", ""},
			{"open-files", OK, "", ""},
			{"system-files", OK, "unlimited on the whole system", ""},
			{"somaxconn", OK, "", ""},
			{"syn-backlog", OK, "SYN cookies beyond", ""},
			{"ports", Warn, "55,285 ports (10240 to 65535, less 11 reserved)", "19 addresses"},
			{"memory", OK, "", ""},
			{"memory-limit", OK, "115.2 GiB for the program (nine tenths of the control group's limit); about 1.2 GiB wanted", ""},
			{"swap", OK, "0 B of 4.0 GiB in use", ""},
			{"huge-pages", OK, "madvise: not handed out unasked", ""},
			{"socket-memory", OK, "", ""},
		}},
		{"lab, nothing told of swap and huge pages", lab, 100, []want{
			{"swap", OK, "none", ""},
			{"huge-pages", OK, "not known", ""},
		}},
		{"tuned, tiny buffers", tuned.with(box{"proc/sys/net/ipv4/tcp_wmem": "4096 16384 32768\n"}), 100, []want{
			{"socket-memory", Warn, "a message of 64.0 KiB does not fit", "sysctl -w net.ipv4.tcp_wmem='4096 16384 4194304'"},
		}},
		{"tuned, a tight unit", tuned.with(box{"sys/fs/cgroup/system.slice/memory.max": "2147483648",
			"sys/fs/cgroup/system.slice/memory.current": "1073741824"}), 250_000, []want{
			{"capacity", OK, "up to memory", ""},
			{"memory", Fail, "1.0 GiB free", "MemoryMax=2752M"},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			checks := Server(test.box.look(t), ServerPlan{Conns: test.conns})
			sane(t, checks)
			for _, w := range test.want {
				c := named(t, checks, w.name)
				if c.Level != w.level || !strings.Contains(c.Found, w.found) || !strings.Contains(c.Advice, w.advice) {
					t.Errorf("found %v %+v\n want %v %+v", c.Level, c, w.level, w)
				}
			}
		})
	}
}

// TestServerAdvice takes the advice, and then there is nothing more to say.
func TestServerAdvice(t *testing.T) {
	m := vps.look(t)
	m.Files.Soft, m.Files.Hard = 16384, 16384
	m.Somaxconn, m.SynBacklog, m.SynCookies = 4096, 4096, 1
	m.TCPMem = [3]int{7680, 10240, 15360}
	m.Conntrack.Max = 16384
	m.Memory.Swapped, m.HugePages = 0, "madvise"
	m.Clock = Clock{Source: "kvm-clock", Known: true, Synced: true}
	if checks := Server(m, ServerPlan{Conns: 10_000}); Worst(checks) != OK {
		t.Errorf("still something to change:\n%s", printed(checks))
	}
}

// TestMemoryLimit tells the server to keep to one limit or another.
func TestMemoryLimit(t *testing.T) {
	tests := []struct {
		name        string
		told, group int
		plan        ServerPlan
		level       Level
		found       string
		advice      string
	}{
		{"nobody says", 0, 0, ServerPlan{Conns: 1000}, OK, "none: ", ""},
		{"enough", 1 << 30, 0, ServerPlan{Conns: 100_000}, OK, "1.0 GiB for the program (by --max-memory or GOMEMLIMIT); about 156.0 MiB wanted", ""},
		{"enough without TLS alone", 1 << 30, 0, ServerPlan{Conns: 100_000, TLS: true}, Fail, "1.1 GiB wanted", "throng --max-memory 1408MiB "},
		{"too little, as many as it can", 64 << 20, 0, ServerPlan{TLS: true}, Warn, "newcomers are sent away", "throng --max-memory 192MiB "},
		{"the group's", 0, 1 << 30, ServerPlan{Conns: 1000}, OK, "921.6 MiB for the program (nine tenths", ""},
		{"too little in the group", 0, 64 << 20, ServerPlan{Conns: 100_000}, Fail, "57.6 MiB for the program (nine tenths", "throng --max-memory 256MiB "},
		{"more than the group grants", 2 << 30, 1 << 30, ServerPlan{Conns: 1000}, Warn, "the kernel ends it at 1.0 GiB", "throng --max-memory 921MiB "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := tuned.look(t)
			m.Memory.Told, m.Memory.Limit = test.told, test.group
			checks := Server(m, test.plan)
			sane(t, checks)
			c := named(t, checks, "memory-limit")
			if c.Level != test.level || !strings.Contains(c.Found, test.found) || !strings.Contains(c.Advice, test.advice) {
				t.Errorf("found %v %+v\n want %+v", c.Level, c, test)
			}
		})
	}
}

// TestServerFiles holds the inverse against the rule.
func TestServerFiles(t *testing.T) {
	for _, sockets := range []int{1, 16, 17, 768, 10_000, 17_372, 17_373, 57_216, 57_217, 1_000_000} {
		files := serverFiles(sockets)
		if serverSockets(files) < sockets || files > 0 && serverSockets(files-1) >= sockets {
			t.Errorf("%d files for %d sockets: room for %d, with one less for %d",
				files, sockets, serverSockets(files), serverSockets(files-1))
		}
	}
}

func TestClock(t *testing.T) {
	tests := []struct {
		name  string
		clock Clock
		alone bool
		level Level
		found string
	}{
		{"not known", Clock{}, false, OK, "not known whether it is kept in step"},
		{"fine", Clock{Source: "tsc", Known: true, Synced: true, Error: 2500000}, false, OK, "source tsc; kept in step, 3ms off at most"},
		{"astray", Clock{Source: "tsc", Known: true}, false, Warn, "source tsc; not kept in step: times differ from those of other machines"},
		{"astray alone", Clock{Source: "tsc", Known: true}, true, OK, "source tsc; not kept in step, and compared with no other"},
		{"slow without another", Clock{Source: "jiffies", Sources: []string{"jiffies"}}, true, OK, "source jiffies; not known whether it is kept in step"},
		{"slow", Clock{Source: "acpi_pm", Sources: []string{"tsc", "acpi_pm"}}, true, Warn,
			"source acpi_pm; slow to read: each look is a system call; not known whether it is kept in step"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := test.clock.check(test.alone)
			sane(t, []Check{c})
			if c.Level != test.level || c.Found != test.found {
				t.Errorf("found %v %q\n want %v %q", c.Level, c.Found, test.level, test.found)
			}
		})
	}
}
