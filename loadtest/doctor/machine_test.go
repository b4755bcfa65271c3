package doctor

import (
	"maps"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

// box is a machine: the files below its root that are looked at.
type box map[string]string

// with is the box with other files; an empty one is taken out.
func (b box) with(other box) box {
	made := maps.Clone(b)
	for name, text := range other {
		if made[name] = text; text == "" {
			delete(made, name)
		}
	}
	return made
}

func (b box) look(t testing.TB) Machine {
	t.Helper()
	m, err := LookIn(b.fs())
	if err != nil {
		t.Fatal(err)
	}
	m.PageSize = 4096 // whatever machine the test runs on
	return m
}

func (b box) fs() fstest.MapFS {
	root := fstest.MapFS{}
	for name, text := range b {
		root[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return root
}

const limits = `Limit                     Soft Limit           Hard Limit           Units
Max cpu time              unlimited            unlimited            seconds
Max open files            SOFT                 HARD                 files
Max locked memory         8388608              8388608              bytes
`

func openFiles(soft, hard string) string {
	return strings.NewReplacer("SOFT", soft, "HARD", hard).Replace(limits)
}

// The machines.
var (
	// vps is a small rented server with an old kernel.
	vps = box{
		"proc/sys/kernel/osrelease": "4.19.0-26-amd64\n",
		"proc/self/limits":          openFiles("1024", "4096"),
		"proc/self/status":          "Name:\tthrong\nCpus_allowed:\t1\nCpus_allowed_list:\t0\n",
		"proc/self/cgroup":          "0::/user.slice\n",
		"proc/meminfo": "MemTotal:         497728 kB\nMemFree:           41200 kB\nMemAvailable:     204800 kB\n" +
			"SwapCached:           12 kB\nSwapTotal:        1048576 kB\nSwapFree:          917504 kB\n",
		"sys/kernel/mm/transparent_hugepage/enabled":                        "[always] madvise never\n",
		"proc/sys/fs/nr_open":                                               "1048576\n",
		"proc/sys/fs/file-max":                                              "48000\n",
		"proc/sys/fs/file-nr":                                               "1184\t0\t48000\n",
		"proc/sys/net/core/somaxconn":                                       "128\n",
		"proc/sys/net/ipv4/tcp_max_syn_backlog":                             "128\n",
		"proc/sys/net/ipv4/tcp_syncookies":                                  "0\n",
		"proc/sys/net/ipv4/ip_local_port_range":                             "32768\t60999\n",
		"proc/sys/net/ipv4/tcp_mem":                                         "5322\t7096\t10644\n",
		"proc/sys/net/ipv4/tcp_rmem":                                        "4096\t87380\t6291456\n",
		"proc/sys/net/ipv4/tcp_wmem":                                        "4096\t16384\t4194304\n",
		"proc/sys/net/netfilter/nf_conntrack_max":                           "7680\n",
		"proc/sys/net/netfilter/nf_conntrack_count":                         "412\n",
		"sys/devices/system/clocksource/clocksource0/current_clocksource":   "hpet\n",
		"sys/devices/system/clocksource/clocksource0/available_clocksource": "kvm-clock hpet acpi_pm\n",
	}
	// lab is a container with cgroup version 1 and 20,000 files.
	lab = box{
		".dockerenv":                                " ",
		"proc/sys/kernel/osrelease":                 "6.18.44\n",
		"proc/self/limits":                          openFiles("20000", "20000"),
		"proc/self/status":                          "Cpus_allowed_list:\t0-1\n",
		"proc/self/cgroup":                          "9:name=systemd:/\n4:memory:/box/71a0\n2:cpuacct:/\n1:cpu:/box\n0::/\n",
		"proc/meminfo":                              "MemTotal:       24684096 kB\nMemAvailable:   24284204 kB\n",
		"proc/sys/fs/nr_open":                       "1048576\n",
		"proc/sys/fs/file-max":                      "2466183\n",
		"proc/sys/fs/file-nr":                       "520\t0\t2466183\n",
		"proc/sys/net/core/somaxconn":               "4096\n",
		"proc/sys/net/ipv4/tcp_max_syn_backlog":     "2048\n",
		"proc/sys/net/ipv4/tcp_syncookies":          "1\n",
		"proc/sys/net/ipv4/ip_local_port_range":     "32768\t60999\n",
		"proc/sys/net/ipv4/tcp_mem":                 "287901\t383869\t575802\n",
		"proc/sys/net/ipv4/tcp_rmem":                "4096\t131072\t33554432\n",
		"proc/sys/net/ipv4/tcp_wmem":                "4096\t16384\t4194304\n",
		"proc/sys/net/netfilter/nf_conntrack_max":   "262144\n",
		"proc/sys/net/netfilter/nf_conntrack_count": "0\n",
		"sys/devices/system/clocksource/clocksource0/current_clocksource":   "tsc\n",
		"sys/devices/system/clocksource/clocksource0/available_clocksource": "tsc kvm-clock\n",
		"sys/fs/cgroup/memory/memory.limit_in_bytes":                        "9223372036854771712\n",
		"sys/fs/cgroup/memory/box/memory.limit_in_bytes":                    "4294967296\n",
		"sys/fs/cgroup/memory/box/memory.usage_in_bytes":                    "2147483648\n",
		"sys/fs/cgroup/memory/box/memory.stat":                              "cache 5\ninactive_file 1\ntotal_inactive_file 1073741824\n",
		"sys/fs/cgroup/memory/box/71a0/memory.limit_in_bytes":               "9223372036854771712\n",
		"sys/fs/cgroup/cpu/cpu.cfs_quota_us":                                "-1\n",
		"sys/fs/cgroup/cpu/cpu.cfs_period_us":                               "100000\n",
		"sys/fs/cgroup/cpu/box/cpu.cfs_quota_us":                            "150000\n",
		"sys/fs/cgroup/cpu/box/cpu.cfs_period_us":                           "100000\n",
	}
	// tuned is a large server, prepared, below systemd with cgroup version 2.
	tuned = box{
		"proc/sys/kernel/osrelease":                                         "6.12.9\n",
		"proc/self/limits":                                                  openFiles("2097152", "2097152"),
		"proc/self/status":                                                  "Cpus_allowed_list:\t0-31,64-95\n",
		"proc/self/cgroup":                                                  "0::/system.slice/throng.service\n",
		"proc/meminfo":                                                      "MemTotal:       263851392 kB\nMemAvailable:   251658240 kB\nSwapTotal: 4194304 kB\nSwapFree: 4194304 kB\n",
		"sys/kernel/mm/transparent_hugepage/enabled":                        "always [madvise] never\n",
		"proc/sys/fs/nr_open":                                               "2147483584\n",
		"proc/sys/fs/file-max":                                              "9223372036854775807\n",
		"proc/sys/fs/file-nr":                                               "9216\t0\t9223372036854775807\n",
		"proc/sys/net/core/somaxconn":                                       "65535\n",
		"proc/sys/net/ipv4/tcp_max_syn_backlog":                             "65535\n",
		"proc/sys/net/ipv4/tcp_syncookies":                                  "1\n",
		"proc/sys/net/ipv4/ip_local_port_range":                             "10240\t65535\n",
		"proc/sys/net/ipv4/ip_local_reserved_ports":                         "8888-8889,10240-10249,65535\n",
		"proc/sys/net/ipv4/tcp_mem":                                         "3145728\t4194304\t6291456\n",
		"proc/sys/net/ipv4/tcp_rmem":                                        "4096\t16384\t1048576\n",
		"proc/sys/net/ipv4/tcp_wmem":                                        "4096\t16384\t1048576\n",
		"sys/devices/system/clocksource/clocksource0/current_clocksource":   "tsc\n",
		"sys/devices/system/clocksource/clocksource0/available_clocksource": "tsc hpet acpi_pm\n",
		"sys/fs/cgroup/system.slice/memory.max":                             "max\n",
		"sys/fs/cgroup/system.slice/cpu.max":                                "max 100000\n",
		"sys/fs/cgroup/system.slice/throng.service/memory.max":              "137438953472\n",
		"sys/fs/cgroup/system.slice/throng.service/memory.current":          "1073741824\n",
		"sys/fs/cgroup/system.slice/throng.service/memory.stat":             "anon 9\ninactive_file 536870912\n",
		"sys/fs/cgroup/system.slice/throng.service/cpu.max":                 "1600000 100000\n",
	}
)

func TestLookIn(t *testing.T) {
	tests := []struct {
		name string
		box  box
		want Machine
	}{
		{"vps", vps, Machine{
			Kernel: "4.19.0-26-amd64", CPUs: 1,
			Files:      Files{Soft: 1024, Hard: 4096, NrOpen: 1 << 20, Max: 48000, Open: 1184},
			Memory:     Memory{Total: 497728 << 10, Available: 200 << 20, Swap: 1 << 30, Swapped: 128 << 20},
			HugePages:  "always",
			Ports:      Ports{First: 32768, Last: 60999},
			Conntrack:  Conntrack{Max: 7680, Count: 412},
			Somaxconn:  128,
			SynBacklog: 128,
			TCPMem:     [3]int{5322, 7096, 10644},
			TCPRead:    [3]int{4096, 87380, 6291456},
			TCPWrite:   [3]int{4096, 16384, 4194304},
		}},
		{"lab", lab, Machine{
			Kernel: "6.18.44", Container: "docker", CPUs: 2, Quota: 1.5,
			Files:      Files{Soft: 20000, Hard: 20000, NrOpen: 1 << 20, Max: 2466183, Open: 520},
			Memory:     Memory{Total: 24684096 << 10, Available: 3 << 30, Limit: 4 << 30, Cgroup: 1},
			Ports:      Ports{First: 32768, Last: 60999},
			Conntrack:  Conntrack{Max: 262144},
			Somaxconn:  4096,
			SynBacklog: 2048,
			SynCookies: 1,
			TCPMem:     [3]int{287901, 383869, 575802},
			TCPRead:    [3]int{4096, 131072, 33554432},
			TCPWrite:   [3]int{4096, 16384, 4194304},
		}},
		{"tuned", tuned, Machine{
			Kernel: "6.12.9", CPUs: 64, Quota: 16,
			Files:      Files{Soft: 1 << 21, Hard: 1 << 21, NrOpen: 2147483584, Max: math.MaxInt, Open: 9216},
			Memory:     Memory{Total: 263851392 << 10, Available: 127<<30 + 512<<20, Limit: 128 << 30, Cgroup: 2, Swap: 4 << 30},
			HugePages:  "madvise",
			Ports:      Ports{First: 10240, Last: 65535, Reserved: 11},
			Somaxconn:  65535,
			SynBacklog: 65535,
			SynCookies: 1,
			TCPMem:     [3]int{3145728, 4194304, 6291456},
			TCPRead:    [3]int{4096, 16384, 1048576},
			TCPWrite:   [3]int{4096, 16384, 1048576},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := test.box.look(t)
			test.want.PageSize = 4096
			m.Clock = Clock{} // see TestClock
			if !reflect.DeepEqual(m, test.want) {
				t.Errorf("found %+v\n want %+v", m, test.want)
			}
		})
	}
}

func TestLookInSandbox(t *testing.T) {
	m := box{}.look(t)
	if m.CPUs == 0 || m.Files != (Files{}) || m.Memory != (Memory{}) || m.Ports.Count() != 0 {
		t.Errorf("an empty root tells %+v", m)
	}
	for _, checks := range [][]Check{Server(m, ServerPlan{}), Server(m, ServerPlan{Conns: 100}), Load(m, LoadPlan{Users: 100})} {
		for _, c := range checks {
			if c.Level == Fail {
				t.Errorf("failed on a fact that is not known: %+v", c)
			}
		}
	}
}

func TestLookInNonsense(t *testing.T) {
	for path, text := range map[string]string{
		"proc/self/limits":                           "Max open files  few many files\n",
		"proc/self/status":                           "Cpus_allowed_list:\tsome\n",
		"proc/meminfo":                               "MemTotal: much kB\n",
		"proc/sys/net/ipv4/tcp_mem":                  "1 2",
		"proc/sys/net/ipv4/ip_local_port_range":      "32768",
		"proc/sys/net/ipv4/ip_local_reserved_ports":  "9-8",
		"sys/fs/cgroup/memory/memory.limit_in_bytes": "much",
		"sys/fs/cgroup/cpu/box/cpu.cfs_quota_us":     "-2",
	} {
		_, err := LookIn(lab.with(box{path: text}).fs())
		if err == nil || !strings.Contains(err.Error(), "/"+path+": want ") {
			t.Errorf("%s with %q: error %v", path, text, err)
		}
	}
}

// TestLook reads the machine of the test, whatever it is.
func TestLook(t *testing.T) {
	m, err := Look()
	if err != nil {
		t.Fatal(err)
	}
	if m.CPUs < 1 || m.PageSize < 4096 {
		t.Errorf("found %+v", m)
	}
}

func TestGroupFolders(t *testing.T) {
	tests := []struct{ name, groups, controller, want string }{
		{"none", "", "memory", ""},
		{"version 2 in its own namespace", "0::/\n", "cpu", "sys/fs/cgroup sys/fs/cgroup/unified"},
		{"version 2", "0::/a/b\n", "cpu", "sys/fs/cgroup/a/b sys/fs/cgroup/a sys/fs/cgroup " +
			"sys/fs/cgroup/unified/a/b sys/fs/cgroup/unified/a sys/fs/cgroup/unified"},
		{"version 1, two controllers at once", "4:cpu,cpuacct:/a\n3:memory:/b\n", "cpu", "sys/fs/cgroup/cpu/a sys/fs/cgroup/cpu"},
		{"outside of the namespace", "3:memory:/../../c\n", "memory", "sys/fs/cgroup/memory/c sys/fs/cgroup/memory"},
		{"a colon in the path", "3:memory:/a:b\n", "memory", "sys/fs/cgroup/memory/a:b sys/fs/cgroup/memory"},
		{"nonsense", "memory\n::\n", "memory", "sys/fs/cgroup sys/fs/cgroup/unified"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if found := strings.Join(groupFolders(test.groups, test.controller), " "); found != test.want {
				t.Errorf("found %s\n want %s", found, test.want)
			}
		})
	}
}
