package config

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Usage writes the help of the command to w and returns what w returns. The command is changed.
func Usage(w io.Writer, of Command) error {
	var b strings.Builder
	about := of.about()
	fmt.Fprintf(&b, "Usage: throng %s\n", about.does)
	for _, g := range of.groups() {
		if g.title != "" {
			fmt.Fprintf(&b, "%s:\n", g.title)
		}
		for _, row := range g.rows {
			fmt.Fprintf(&b, "  %s", row.flag())
			if row.bare == "" {
				fmt.Fprintf(&b, " <%s>", row.unit)
			}
			if row.def != "" {
				fmt.Fprintf(&b, "  (default %s)", row.def)
			}
			fmt.Fprintf(&b, "\n        %s\n", row.meaning)
		}
		b.WriteByte('\n')
	}
	b.WriteString(about.more)
	_, err := io.WriteString(w, b.String())
	return err
}

// Default writes to w a TOML file of all settings of the command that a file can hold, each with its default, unit and
// meaning, and returns what w returns, or an error of one line where the command reads no file. [Check] accepts the
// file, and it changes nothing. The command is changed.
func Default(w io.Writer, of Command) error {
	t := newTable(of)
	if _, err := t.configRow(); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# Settings of "throng %s", each with its default. A key that is left out keeps its default; the environment and
# the flags win over this file.
`, t.name)
	for _, g := range of.groups() {
		if g.title != "" {
			fmt.Fprintf(&b, "\n## %s\n", g.title)
		}
		for _, row := range g.rows {
			if row.name == "config" {
				continue // a file does not name another
			}
			fmt.Fprintf(&b, "\n# %s\n# (%s; %s, %s)\n", row.meaning, row.unit, row.flag(), t.env(&row))
			fmt.Fprintf(&b, "%s = %s\n", row.name, row.literal())
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// literal is the default as TOML: a number or a truth where it is one, a list where several may be given, else a
// string.
func (s *setting) literal() string {
	if _, err := strconv.ParseFloat(s.def, 64); err == nil || s.bare != "" {
		return s.def
	}
	if s.list && s.def == "" {
		return "[]"
	}
	return strconv.Quote(s.def)
}
