package engine

import (
	"strconv"
	"strings"
	"testing"
)

func TestNegotiateDeflate(t *testing.T) {
	const offer, agreed = "permessage-deflate", "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	for _, test := range []struct {
		name   string
		offers []string // one header each
		answer string
		window uint8
	}{
		{name: "no header"},
		{name: "empty header", offers: []string{""}},
		{name: "bare", offers: []string{offer}, answer: agreed, window: 15},
		{name: "as Chromium and Firefox offer it", offers: []string{offer + "; client_max_window_bits"}, answer: agreed, window: 15},
		{name: "all parameters", offers: []string{offer + "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=9"},
			answer: agreed + "; server_max_window_bits=10", window: 10},
		{name: "in quotes", offers: []string{offer + `; server_max_window_bits="10"`}, answer: agreed + "; server_max_window_bits=10", window: 10},
		{name: "without spaces", offers: []string{offer + ";server_max_window_bits=12;client_max_window_bits"}, answer: agreed + "; server_max_window_bits=12", window: 12},
		{name: "window 7", offers: []string{offer + "; server_max_window_bits=7"}},
		{name: "window 16", offers: []string{offer + "; server_max_window_bits=16"}},
		{name: "window without a value", offers: []string{offer + "; server_max_window_bits"}},
		{name: "window that is no number", offers: []string{offer + "; server_max_window_bits=ten"}},
		{name: "negative window", offers: []string{offer + "; server_max_window_bits=-8"}},
		{name: "client's window 7", offers: []string{offer + "; client_max_window_bits=7"}},
		{name: "client's window that is no number", offers: []string{offer + "; client_max_window_bits=x"}},
		{name: "a value where none belongs", offers: []string{offer + "; server_no_context_takeover=1"}},
		{name: "unknown parameter", offers: []string{offer + "; mux"}},
		{name: "the same parameter twice", offers: []string{offer + "; server_no_context_takeover; server_no_context_takeover"}},
		{name: "two windows", offers: []string{offer + "; server_max_window_bits=10; server_max_window_bits=10"}},
		{name: "two client's windows", offers: []string{offer + "; client_max_window_bits=10; client_max_window_bits=10"}},

		{name: "another extension", offers: []string{"permessage-bzip2"}},
		{name: "a longer name", offers: []string{"permessage-deflate2"}},
		{name: "behind another extension", offers: []string{`x-foo; a="b,c;d", ` + offer}, answer: agreed, window: 15},
		{name: "the first that can be met", offers: []string{offer + "; mux, " + offer + "; server_max_window_bits=9, " + offer},
			answer: agreed + "; server_max_window_bits=9", window: 9},
		{name: "in two headers", offers: []string{offer + "; server_max_window_bits=77", offer}, answer: agreed, window: 15},
		{name: "malformed", offers: []string{offer + "; =;"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer, window := negotiateDeflate(test.offers)
			if answer != test.answer || window != test.window {
				t.Errorf("got %q, window %d; want %q, window %d", answer, window, test.answer, test.window)
			}
		})
	}
	for bits := 8; bits <= 15; bits++ {
		parameter := "; server_max_window_bits=" + strconv.Itoa(bits)
		if answer, window := negotiateDeflate([]string{offer + parameter}); answer != agreed+parameter || int(window) != bits {
			t.Errorf("%d bits: got %q, window %d", bits, answer, window)
		}
	}
}

// FuzzNegotiate: whatever is offered, the answer is one of the few that this server gives, and answers an offer.
func FuzzNegotiate(f *testing.F) {
	f.Add("permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate")
	f.Add(`x; y="a\"b", PERMESSAGE-DEFLATE`)
	f.Add("permessage-deflate; server_no_context_takeover=")
	f.Fuzz(func(t *testing.T, header string) {
		answer, window := negotiateDeflate([]string{header})
		if answer == "" {
			if window != 0 {
				t.Fatalf("no answer, and a window of %d", window)
			}
			return
		}
		want := "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
		if strings.Contains(answer, "server_max_window_bits") {
			want += "; server_max_window_bits=" + strconv.Itoa(int(window))
		}
		if answer != want || window < 8 || window > 15 {
			t.Fatalf("answer %q, window %d", answer, window)
		}
		if !strings.Contains(strings.ToLower(header), "permessage-deflate") {
			t.Fatal("an answer to no offer")
		}
	})
}
