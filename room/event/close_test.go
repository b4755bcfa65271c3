package event

import (
	"slices"
	"testing"
)

func TestReconnects(t *testing.T) {
	for _, code := range []uint16{0, 1000, 1001, 1002, 1003, 1006, 1007, 1008, 1009, 1011, 1012, 4000, 4001, 4008, 4029, 4053, 4499, 5000} {
		if !Reconnects(code) {
			t.Errorf("%d: stays away", code)
		}
	}
	for _, code := range []uint16{4500, 4501, 4503, 4509, 4510, 4999} {
		if Reconnects(code) {
			t.Errorf("%d: reconnects", code)
		}
	}
}

// The tables are those of the README.
func TestCodes(t *testing.T) {
	closing := []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 4001, 4008, 4029, 4053, 4500, 4501, 4503, 4509, 4510}
	if got := numbers(CloseCodes()); !slices.Equal(got, closing) {
		t.Errorf("close codes %v", got)
	}
	if got := numbers(ErrorCodes()); !slices.Equal(got, []int{400, 401, 403, 404, 409, 413, 429, 500, 503}) {
		t.Errorf("error codes %v", got)
	}
	for _, c := range ErrorCodes() {
		if want := c.Number == 429 || c.Number >= 500; c.Again != want {
			t.Errorf("%d: again is %v", c.Number, c.Again)
		}
	}
}

// numbers is the codes of a table in which each name stands once.
func numbers(table []Code) (all []int) {
	names := map[string]bool{}
	for _, c := range table {
		all = append(all, c.Number)
		names[c.Name] = true
	}
	if len(names) != len(table) {
		return nil
	}
	return all
}
