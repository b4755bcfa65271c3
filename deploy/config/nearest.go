package config

import (
	"fmt"
	"strings"
)

// unknown is the error about a name that is no setting's. It suggests the setting that was likely meant, spelt as the
// place spells it.
func (t *table) unknown(spelt, name, place string, spell func(*setting) string) error {
	hint := fmt.Sprintf(`"throng %s --help" lists all`, t.name)
	if row := t.nearest(name); row != nil {
		hint = "did you mean " + spell(row) + "?"
	}
	return fmt.Errorf("%.80q (%s): no such setting; %s", spelt, place, hint)
}

// unknownVariable is the error about a variable of the environment.
func (t *table) unknownVariable(variable string) error {
	name := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(variable, envPrefix), "_", "-"))
	name = strings.TrimPrefix(name, strings.ReplaceAll(t.name, " ", "-")+"-")
	return t.unknown(variable, name, "environment", t.env)
}

// nearest is the setting whose name takes the fewest slips to become, or nil where a suggestion would be a guess.
func (t *table) nearest(name string) *setting {
	const longest = 32 // letters; no setting's name is near to a longer one
	if len(name) > longest {
		return nil
	}
	var best *setting
	least := max(1, len(name)/4) + 1
	for i := range t.rows {
		if d := slips(name, t.rows[i].name); d < least {
			best, least = &t.rows[i], d
		}
	}
	return best
}

// slips counts the letters to insert, leave out, replace or swap with the next to make b from a (the optimal string
// alignment distance).
func slips(a, b string) int {
	d := make([][]int, len(a)+1) // d[i][j] is the count for a[:i] and b[:j]
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replaced := d[i-1][j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			d[i][j] = min(replaced, d[i-1][j]+1, d[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
