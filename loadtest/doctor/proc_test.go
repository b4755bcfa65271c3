package doctor

import (
	"io/fs"
	"math"
	"testing"
)

func TestParseNumber(t *testing.T) {
	for word, want := range map[string]int{
		"0": 0, "128": 128, "max": math.MaxInt, "unlimited": math.MaxInt, "-1": math.MaxInt,
		"18446744073709551615": math.MaxInt,
	} {
		if n, err := parseNumber(word); n != want || err != nil {
			t.Errorf("%q is %d, %v; want %d", word, n, err, want)
		}
	}
	for _, word := range []string{"", "-2", "1k", "0x10", "-99999999999999999999"} {
		if n, err := parseNumber(word); err == nil {
			t.Errorf("%q is %d", word, n)
		}
	}
}

func TestParseList(t *testing.T) {
	tests := []struct {
		list        string
		first, last int
		want        int
	}{
		{"", 0, 100, 0},
		{"\n", 0, 100, 0},
		{"0-3,8", 0, 100, 5},
		{"8080,9000-9010", 9005, 60999, 6},
		{"1-10", 20, 30, 0},
		{"1-65535", 32768, 60999, 28232},
	}
	for _, test := range tests {
		if n, err := parseList(test.list, test.first, test.last); n != test.want || err != nil {
			t.Errorf("%q from %d to %d: %d, %v; want %d", test.list, test.first, test.last, n, err, test.want)
		}
	}
	for _, list := range []string{"a", "1-", "-1", "3-2", "1,,x", "99999999999"} {
		if n, err := parseList(list, 0, math.MaxInt32); err == nil {
			t.Errorf("%q counts %d", list, n)
		}
	}
}

func FuzzParseNumbers(f *testing.F) {
	f.Add("4096\t131072\t33554432", 3)
	f.Add("max 100000", 2)
	f.Add("-1", 1)
	f.Fuzz(func(t *testing.T, text string, n int) {
		n = min(max(n, 0), 8)
		found, err := parseNumbers(text, n)
		if len(found) != n {
			t.Fatalf("%d numbers of %d", len(found), n)
		}
		for _, number := range found {
			if number < 0 || err != nil && number != 0 {
				t.Errorf("%d, %v", number, err)
			}
		}
	})
}

func FuzzParseList(f *testing.F) {
	f.Add("0-3,8", 0, 100)
	f.Add("1-65535", 32768, 60999)
	f.Fuzz(func(t *testing.T, list string, first, last int) {
		first, last = min(max(first, 0), 1<<17), min(max(last, 0), 1<<17)
		if n, err := parseList(list, first, last); n < 0 || err != nil && n != 0 {
			t.Errorf("%d, %v", n, err)
		}
	})
}

// FuzzCgroup gives a machine any groups and limits: memory is never more than there is.
func FuzzCgroup(f *testing.F) {
	f.Add("0::/a\n", "104857600", "52428800", "inactive_file 4096\n", "150000 100000")
	f.Add("3:memory,cpu:/a/../..//b\n", "max", "", "", "max 0")
	f.Fuzz(func(t *testing.T, groups, limit, used, stat, cpu string) {
		made := box{
			"proc/meminfo":     "MemTotal: 1048576 kB\nMemAvailable: 524288 kB\n",
			"proc/self/cgroup": groups,
		}
		for _, dir := range groupFolders(groups, "memory") {
			if !fs.ValidPath(dir) {
				continue
			}
			made[dir+"/memory.max"], made[dir+"/memory.limit_in_bytes"] = limit, limit
			made[dir+"/memory.current"], made[dir+"/memory.usage_in_bytes"] = used, used
			made[dir+"/memory.stat"], made[dir+"/cpu.max"] = stat, cpu
		}
		m, _ := LookIn(made.fs())
		if m.Memory.Total != 1<<30 || m.Memory.Available < 0 || m.Memory.Available > 1<<29 ||
			m.Memory.Limit < 0 || m.Memory.Limit > 1<<30 || m.Quota < 0 {
			t.Errorf("found %+v, quota %v", m.Memory, m.Quota)
		}
	})
}
