package cluster

import (
	"errors"
	"slices"
	"testing"

	"github.com/nats-io/nats.go"
)

// TestSecret lets nobody in who does not know it.
func TestSecret(t *testing.T) {
	a := start(t, Config{URL: Embedded, Dir: t.TempDir(), Listen: "127.0.0.1:0", Node: "a", Secret: "s:e/c"})
	for _, test := range []struct {
		user, secret string
		isIn         bool
	}{{"", "", false}, {"", "s", false}, {"", "s:e/c", true}, {"throng:s%3Ae%2Fc@", "", true}, {"throng:s@", "s:e/c", false}, {"eve:s%3Ae%2Fc@", "", false}} {
		v, err := visit(t.Context(), Config{URL: "nats://" + test.user + a.Addr(), Secret: test.secret, pace: quick})
		if (err == nil) != test.isIn || err != nil && !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("%+v: %v", test, err)
		}
		if err == nil {
			v.Close()
		}
	}
}

// TestVisit sees the nodes that are alive, and not those that were killed or that have left.
func TestVisit(t *testing.T) {
	a := first(t)
	v, err := visit(t.Context(), Config{URL: "nats://" + a.Addr(), pace: quick})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	wants := func(want ...string) {
		t.Helper()
		// The first that is renewed is enough, so that another may not be seen.
		got, err := v.Nodes(t.Context())
		if err != nil || (len(got) > 0) != (len(want) > 0) || slices.ContainsFunc(got, func(node string) bool { return !slices.Contains(want, node) }) {
			t.Errorf("nodes %v, %v; want some of %v", got, err, want)
		}
	}
	wants("a")
	b := second(t, a)
	wants("a", "b")
	b.Close()
	wants("a")
	// As if it was killed, and nobody was left.
	a.end()
	a.work.Wait()
	wants()
	if n, err := v.Replicas(t.Context()); n != 1 || err != nil {
		t.Errorf("%d replicas, %v", n, err)
	}
}
