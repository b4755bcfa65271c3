package config

import (
	"fmt"
	"slices"
	"strings"
)

// setting is one row of a table: all that flags, environment, file, help and default file know of a setting.
type setting struct {
	name string // the flag without its dashes, and the key in the file
	def  string // the default, written as a user would write it and read by the same code
	kind
	meaning string // what it does, and what zero or empty means where that is not plain
}

// group is rows that belong together, under a title in help and default file; an empty title is left out.
type group struct {
	title string
	rows  []setting
}

// flag and key are the name as the arguments and the file spell it.
func (s *setting) flag() string { return "--" + s.name }

func (s *setting) key() string { return s.name }

// table is the rows of a command over its settings, and for each the value in use. Values go into the settings by
// apply alone.
type table struct {
	about
	command Command
	rows    []setting
	byName  map[string]*setting
	used    map[string]given
	secrets []string // settings for which a file of another command holds a secret, in its order
}

// newTable lays the table over the settings of c and fills them with the defaults.
func newTable(c Command) *table {
	t := &table{about: c.about(), command: c, byName: map[string]*setting{}, used: map[string]given{}}
	for _, g := range c.groups() {
		t.rows = append(t.rows, g.rows...)
	}
	for i := range t.rows {
		row := &t.rows[i]
		t.byName[row.name] = row
		if err := t.apply([]given{{row, row.def, row.flag(), byDefault}}); err != nil {
			panic(err) // the table is wrong, not the user; every test meets it
		}
	}
	return t
}

// variables are the names by which the environment may give the setting, the one that wins last. A command that is
// not serve has one of its own, THRONG_LOAD_RATE, and the plain THRONG_RATE unless serve means another thing by it.
func (t *table) variables(s *setting) []string {
	spell := strings.NewReplacer("-", "_", " ", "_")
	plain := envPrefix + strings.ToUpper(spell.Replace(s.name))
	own := envPrefix + strings.ToUpper(spell.Replace(t.name+" "+s.name))
	switch {
	case t.name == serveName:
		return []string{plain}
	case slices.Contains(t.apart, s.name):
		return []string{own}
	}
	return []string{plain, own}
}

// env is the variable to suggest for the setting.
func (t *table) env(s *setting) string { return t.variables(s)[0] }

// example is the setting to show what one looks like: the first that has a default.
func (t *table) example() *setting {
	return &t.rows[slices.IndexFunc(t.rows, func(s setting) bool { return s.def != "" })]
}

// apply sets the values in order, so that the later wins, and stops at the first that cannot be used.
func (t *table) apply(sources ...[]given) error {
	for _, source := range sources {
		for _, g := range source {
			if !g.set(g.text) {
				return g.refuse(g.want)
			}
			t.used[g.name] = g
		}
	}
	return nil
}

// byDefault is the place of a value that nobody gave.
const byDefault = "default"

// given is a value as a source gave it.
type given struct {
	*setting
	text  string
	spelt string // the setting's name as the source writes it: --rate, THRONG_RATE, rate
	place string // flag, environment, throng.toml:3, default
}

// bySomebody tells whether the value is not the default.
func (g given) bySomebody() bool { return g.place != byDefault }

// isSecret tells whether the value may hold a secret.
func (g given) isSecret() bool { return g.secret != nil && g.secret(g.text) }

// refuse is the error about the value: which setting, where, and what would be right. A long text is cut, and a
// secret left out.
func (g given) refuse(want string) error {
	if g.isSecret() {
		return fmt.Errorf("%s (%s): want %s", g.spelt, g.place, want)
	}
	return fmt.Errorf("%s %.80q (%s): want %s", g.spelt, g.text, g.place, want)
}

// String names the setting, its value and its place, for warnings.
func (g given) String() string {
	return fmt.Sprintf("%s %s (%s)", g.spelt, g.text, g.place)
}
