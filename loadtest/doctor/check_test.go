package doctor

import "testing"

func TestPrint(t *testing.T) {
	found := printed([]Check{
		{Name: "open-files", Found: "20,000 a process"},
		{Name: "somaxconn", Found: "128", Level: Warn, Advice: "sysctl -w net.core.somaxconn=4096"},
		{Name: "tls", Found: "unknown authority", Level: Fail, Advice: "one\ntwo"},
	})
	const want = `✓ open-files  20,000 a process
! somaxconn   128
                sysctl -w net.core.somaxconn=4096
✗ tls         unknown authority
                one
                two
`
	if found != want {
		t.Errorf("found\n%s want\n%s", found, want)
	}
}

func TestWorst(t *testing.T) {
	if w := Worst(nil); w != OK {
		t.Errorf("nothing is %v", w)
	}
	if w := Worst([]Check{{Level: Warn}, {Level: Fail}, {}}); w != Fail {
		t.Errorf("the worst is %v", w)
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -123: "-123", -1234: "-1,234"} {
		if found := count(n); found != want {
			t.Errorf("%d is %q", n, found)
		}
	}
	for n, want := range map[int]string{0: "0 B", 1023: "1023 B", 5600: "5.5 KiB", 64 << 20: "64.0 MiB", 3 << 40: "3.0 TiB"} {
		if found := size(n); found != want {
			t.Errorf("%d is %q", n, found)
		}
	}
	for n, want := range map[int]int{0: 1, 1: 1, 5: 8, 100_000: 131072, 1 << 62: 1 << 30} {
		if found := roomy(n); found != want {
			t.Errorf("%d is %d", n, found)
		}
	}
	if found := quoted("it's"); found != `'it'\''s'` {
		t.Error(found)
	}
}
