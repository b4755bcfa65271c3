package history

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPath(t *testing.T) {
	cases := map[string]string{
		"all": "all", "r/go": "r.go", "r/a b": "r._YSBi", "r/_": "r._Xw", "r/": "r._", "r/é*>.": "r._w6kqPi4", direct(1, 2): "d." + hex(1) + "." + hex(2),
	}
	for conv, want := range cases {
		if got := path(conv); got != want {
			t.Errorf("path(%q) = %s, want %s", conv, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		conv := rapid.String().Draw(t, "conv")
		p := path(conv)
		if got, ok := convOf(p); !ok || got != conv || strings.ContainsAny(p, " *>\r\n\t") {
			t.Fatalf("%q became %s, and that %q, %v", conv, p, got, ok)
		}
	})
	if conv, ok := convOf("r._!"); ok {
		t.Errorf("read %q", conv)
	}
}
