package engine

import (
	"slices"
	"testing"
)

func TestRushIsOver(t *testing.T) {
	for name, test := range map[string]struct {
		entered []int // by second
		over    []int // seconds
	}{
		"nobody comes":        {[]int{0, 0, 0}, nil},
		"a few come":          {[]int{400, 0, 499, 10, 0}, nil},
		"a rush":              {[]int{300, 5000, 9000, 200, 0, 0}, []int{3}},
		"a rush that lasts":   {[]int{5000, 5000, 251, 5000, 250, 250, 0}, []int{4}},
		"one after the other": {[]int{800, 0, 0, 800, 40, 0}, []int{1, 4}},
	} {
		var r rush
		var over []int
		for second, entered := range test.entered {
			if r.isOver(entered) {
				over = append(over, second)
			}
		}
		if !slices.Equal(over, test.over) {
			t.Errorf("%s: over in the seconds %v, want %v", name, over, test.over)
		}
	}
}
