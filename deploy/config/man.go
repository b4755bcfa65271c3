package config

import (
	"fmt"
	"io"
	"strings"
)

// Man writes the manual page throng(1), of all commands, to w and returns what w returns. It is for man(7) in the version given.
func Man(w io.Writer, version string) error {
	var b strings.Builder
	fmt.Fprintf(&b, `.TH THRONG 1 "" "throng %s" "User Commands"
.SH NAME
throng \- chat server for very many people on one event loop
.SH SYNOPSIS
`, roff(version))
	var all []Command
	for _, c := range commands() {
		all = append(all, c)
		synopsis, _, _ := strings.Cut(c.about().does, "\n")
		fmt.Fprintf(&b, ".B throng\n%s\n.br\n", roff(synopsis))
	}
	b.WriteString(`.B throng config default
[load]
.br
.B throng config check
FILE [load]
.br
.B throng version
.br
.B throng \-\-version
.SH DESCRIPTION
Everyone to everyone, rooms and two people over WebSocket: one binary that serves, simulates users, and looks at machines.
`)
	for _, c := range all {
		manCommand(&b, c)
	}
	b.WriteString(`.SH FILES
.TP
.I /etc/throng/throng.toml
settings of the packaged server
.TP
.I /etc/throng/throng.env
its environment, secrets for instance
.TP
.I /var/lib/throng
its log
.SH SIGNALS
.TP
.B SIGTERM, SIGINT
stop: newcomers are refused, what was said is delivered, everybody is sent away; a second one ends the process at once
.TP
.B SIGHUP
read settings and certificates again; what cannot change before the next start is named in the log
.TP
.B SIGUSR2
start the binary anew, which takes the listeners over, and leave
`)
	_, err := io.WriteString(w, b.String())
	return err
}

// manCommand writes what is to be said of one command.
func manCommand(b *strings.Builder, c Command) {
	about := c.about()
	_, does, _ := strings.Cut(about.does, "\n")
	fmt.Fprintf(b, ".SH THRONG %s\n%s", roff(strings.ToUpper(about.name)), paragraphs(does))
	t := newTable(c)
	for _, g := range c.groups() {
		if g.title != "" {
			fmt.Fprintf(b, ".SS %s\n", roff(g.title))
		}
		for _, row := range g.rows {
			fmt.Fprintf(b, ".TP\n.B %s", roff(row.flag()))
			if row.bare == "" {
				fmt.Fprintf(b, "\n.RI < %s >", quoted(row.unit))
			}
			fmt.Fprintf(b, "\n%s\n", roff(row.meaning))
			fmt.Fprintf(b, ".br\nDefault: %s; environment: %s\n", roff(fallback(row.def)), roff(t.env(&row)))
		}
	}
	if about.more != "" {
		b.WriteString(".PP\n.nf\n" + verbatim(about.more) + ".fi\n")
	}
}

// fallback names a default.
func fallback(def string) string {
	if def == "" {
		return "none"
	}
	return def
}

// roff is text in which nothing is a command of troff.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}

// quoted is roff as one argument of a macro.
func quoted(text string) string { return `"` + strings.ReplaceAll(roff(text), `"`, `\(dq`) + `"` }

// verbatim is roff line by line.
func verbatim(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(roff(line))
	}
	return b.String()
}

// paragraphs is verbatim with empty lines as the ends of paragraphs.
func paragraphs(text string) string {
	return strings.ReplaceAll(strings.TrimLeft(verbatim(text), "\n"), "\n\n", "\n.PP\n")
}
