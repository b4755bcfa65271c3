package config

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Usage writes the help of "throng serve" to w and returns what w returns.
func Usage(w io.Writer) error {
	var b strings.Builder
	b.WriteString(`Usage: throng [serve] [--setting value]...

Runs the chat server. Each setting has three ways in, and the later wins: a key in the TOML file of --config, the
environment (THRONG_MAX_MESSAGE for --max-message), the flag. A value that cannot be used ends the program with
exit code 2.

`)
	for _, row := range newTable(new(Serve)).rows {
		fmt.Fprintf(&b, "  %s <%s>", row.flag(), row.unit)
		if row.def != "" {
			fmt.Fprintf(&b, "  (default %s)", row.def)
		}
		fmt.Fprintf(&b, "\n        %s\n", row.meaning)
	}
	b.WriteString("\n\"throng config default\" prints a file of these settings, \"throng config check\" tests one.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// Default writes to w a TOML file of all settings that a file can hold, each with its default, unit and meaning, and
// returns what w returns. [Check] accepts the file, and it changes nothing.
func Default(w io.Writer) error {
	var b strings.Builder
	b.WriteString(`# Settings of "throng serve", each with its default. A key that is left out keeps its default; the environment and
# the flags win over this file.
`)
	for _, row := range newTable(new(Serve)).rows {
		if row.name == "config" {
			continue // a file does not name another
		}
		fmt.Fprintf(&b, "\n# %s\n# (%s; %s, %s)\n", row.meaning, row.unit, row.flag(), row.env())
		fmt.Fprintf(&b, "%s = %s\n", row.name, row.literal())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// literal is the default as TOML: a number where it is one, a list where several may be given, else a string.
func (s *setting) literal() string {
	if _, err := strconv.ParseFloat(s.def, 64); err == nil {
		return s.def
	}
	if s.list && s.def == "" {
		return "[]"
	}
	return strconv.Quote(s.def)
}
