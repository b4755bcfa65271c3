package doctor

import (
	"strings"
	"testing"
)

func TestWorkersAndServers(t *testing.T) {
	tests := []struct {
		soft, users, workers, servers int
	}{
		{20_000, 0, 1, 1},
		{20_000, 1000, 1, 1},
		{20_000, 17_372, 1, 1},
		{20_000, 17_373, 1, 2},
		{20_000, 19_800, 1, 2},
		{20_000, 19_801, 2, 2},
		{20_000, 100_000, 6, 6},
		{0, 10_000, 13, 14},    // not known: 1,024
		{64, 100, 4, 7},        // the reserves would be all: half of it, and 16
		{1 << 20, 1e6, 1, 1},   // one process is enough
		{1<<63 - 1, 1e6, 1, 1}, // no limit
		{1 << 19, 1e6, 2, 2},   // what systemd gives
		{4096, 1000, 1, 1},
	}
	for _, test := range tests {
		m := Machine{Files: Files{Soft: test.soft}}
		if w, s := Workers(m, test.users), Servers(m, test.users); w != test.workers || s != test.servers {
			t.Errorf("%d files, %d users: %d workers and %d servers, want %d and %d",
				test.soft, test.users, w, s, test.workers, test.servers)
		}
	}
}

func TestLoadPlan(t *testing.T) {
	tests := []struct {
		plan LoadPlan
		want string
	}{
		{LoadPlan{Users: 1000}, "1 worker process of 1,000 users, to 1 address"},
		{LoadPlan{Users: 100_000, Sources: 32, Loopback: true, Served: 6},
			"6 worker processes of 16,667 users each, from 32 addresses 127.0.0.2-33, to 6 servers of its own"},
		{LoadPlan{Users: 100_000, Workers: 8, Sources: 3, Targets: 2},
			"8 worker processes of 12,500 users each, from 3 addresses, to 2 addresses"},
		{LoadPlan{Users: 15_000, Sources: 300, Loopback: true, Served: 1},
			"1 worker process of 15,000 users, from 300 addresses 127.0.0.2 to 127.0.1.45, to 1 server of its own"},
	}
	for _, test := range tests {
		checks := Load(lab.look(t), test.plan)
		sane(t, checks)
		if c := checks[0]; c.Name != "plan" || c.Found != test.want {
			t.Errorf("found %+v\n want %q", c, test.want)
		}
	}
}

func TestLoad(t *testing.T) {
	type want struct {
		name          string
		level         Level
		found, advice string
	}
	tests := []struct {
		name string
		box  box
		plan LoadPlan
		want []want
	}{
		{"a hundred thousand", lab, LoadPlan{Users: 100_000, Sources: 32, Loopback: true, Served: 6}, []want{
			{"open-files", OK, "20,000 a process: room for 19,800 users each", ""},
			{"system-files", OK, "", ""},
			{"ports", OK, "from 32 addresses to 6 addresses: room for 5,420,544 users", ""},
			{"memory", OK, "3.0 GiB free; about 1.6 GiB wanted for 100,000 users", ""},
			{"server-files", OK, "room for 17,372 sockets", ""},
			{"cpu", Warn, "6 workers and 6 servers on 2 processors, 1.5 granted", "throng load --workers HOST:PORT"},
			{"clock", OK, "", ""},
		}},
		{"too few of everything", vps, LoadPlan{Users: 60_000, Workers: 2, Served: 1}, []want{
			{"open-files", Fail, "room for 824 users each, 30,000 wanted", "ulimit -n 32768"},
			{"system-files", Fail, "", "sysctl -w fs.file-max=131072"},
			{"ports", Fail, "room for 28,232 users, 60,000 wanted", "throng load --source ADDRESS,ADDRESS,…   # 3 addresses in all"},
			{"memory", Fail, "", "throng load --users "},
			{"socket-memory", Warn, "120,000 sockets want a page each", ""},
			{"server-files", Fail, "room for 768 sockets, 60,000 wanted", "ulimit -n 131072"},
			{"somaxconn", Warn, "", ""},
			{"conntrack", Fail, "", ""},
			{"cpu", Warn, "2 workers and 1 server on 1 processor", ""},
		}},
		{"wss", lab, LoadPlan{Users: 20_000, TLS: true}, []want{
			{"memory", OK, "for 20,000 users of 12.0 KiB", ""},
		}},
		{"root", vps.with(box{"proc/self/status": "CapEff:\t000001ffffffffff\nCpus_allowed_list:\t0\n"}), LoadPlan{Users: 60_000}, []want{
			{"system-files", Warn, "more wanted; root may, others not", "sysctl -w fs.file-max=131072"},
		}},
		{"a wider range is enough", lab, LoadPlan{Users: 40_000}, []want{
			{"ports", Fail, "", "sysctl -w net.ipv4.ip_local_port_range='10240 65535'"},
		}},
		{"ports nearly all", lab, LoadPlan{Users: 28_000}, []want{
			{"ports", Warn, "few free", "sysctl -w net.ipv4.ip_local_port_range='10240 65535'"},
		}},
		{"absurd", lab, LoadPlan{Users: 10_000_000, Sources: 32, Served: 1}, []want{
			{"ports", Fail, "", "# 390 addresses in all"},
			{"memory", Fail, "133.2 GiB wanted", "throng load --users 177867"},
			{"socket-memory", Warn, "", "# more than this machine has"},
			{"server-files", Fail, "10,000,000 wanted", "throng load --serve auto   # 576 servers"},
		}},
		{"a large machine, ports nearly all", tuned, LoadPlan{Users: 1_000_000, Workers: 8, Sources: 19}, []want{
			{"ports", Warn, "1,000,000 wanted", "throng load --source ADDRESS,ADDRESS,…   # 20 addresses in all"},
		}},
		{"a large machine", tuned, LoadPlan{Users: 1_000_000, Workers: 8, Sources: 10, Targets: 2}, []want{
			{"ports", OK, "room for 1,105,700 users", ""},
			{"cpu", OK, "8 workers on 64 processors", ""},
			{"memory", OK, "", ""},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			checks := Load(test.box.look(t), test.plan)
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
