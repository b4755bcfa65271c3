package command

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"throng/deploy/config"
	"throng/loadtest/report"
)

// The exit codes of throng.
const (
	Done      = 0
	Failed    = 1
	Usage     = 2 // or a setting that cannot be used
	Missed    = 3 // load: a service level was missed
	Saturated = 4 // load: the load generator itself was the bottleneck
)

// Parse fills a command's settings. Where they cannot be used, or help was asked for, it says so and returns the exit
// code and false.
func Parse(into config.Command, args, environ []string, stdout, stderr io.Writer) (warnings []string, code int, ok bool) {
	warnings, err := config.Parse(into, args, environ)
	switch {
	case errors.Is(err, config.ErrHelp):
		_ = usage(stdout, into)
		return nil, Done, false
	case err != nil:
		fmt.Fprintln(stderr, "throng:", err)
		return nil, Usage, false
	}
	return warnings, Done, true
}

// isHelp reports whether an argument asks for help.
func isHelp(arg string) bool { return arg == "-h" || arg == "-help" || arg == "--help" }

const versionHelp = `Usage: throng version

Prints the version of this program, as throng --version does.

Exit codes: 0 printed, 2 usage.
`

// Version prints the version.
func Version(version string, args []string, stdout io.Writer) (err error) {
	switch {
	case len(args) == 0:
		_, err = fmt.Fprintln(stdout, "throng", version)
	case len(args) == 1 && isHelp(args[0]):
		_, err = io.WriteString(stdout, versionHelp)
	default:
		err = fmt.Errorf("argument %.80q: throng version takes none", args[0])
	}
	return err
}

// Help prints the help of the command that is named, serve's when none is; --man prints the manual page of all, for this version.
func Help(version string, args []string, stdout io.Writer) error {
	if slices.Equal(args, []string{"--man"}) {
		return config.Man(stdout, version)
	}
	others := map[string]string{"load compare": compareHelp, "config": configHelp, "log": logHelp, "version": versionHelp}
	if text, ok := others[strings.Join(args, " ")]; ok {
		_, err := io.WriteString(stdout, text)
		return err
	}
	of, err := config.Named(cmp.Or(strings.Join(args, " "), "serve"))
	if err != nil {
		return err
	}
	return usage(stdout, of)
}

// usage prints the help of a command. That of load ends with what a service level may be on, which only the report knows.
func usage(w io.Writer, of config.Command) error {
	if err := config.Usage(w, of); err != nil {
		return err
	}
	if _, ok := of.(*config.Load); !ok {
		return nil
	}
	_, err := io.WriteString(w, "\nService levels:\n"+report.SLOHelp())
	return err
}

const configHelp = `Usage: throng config default [COMMAND]
       throng config check FILE [COMMAND]

"default" prints a file of all settings of a command, each with its default and meaning; "check" tells whether a file could be
given to the command's --config. The command is serve where none is named.

Exit codes: 0 done, 2 usage, or a file that cannot be used.
`

// Config prints or tests a config file. The name of the command that the file is for comes last; it is serve's
// where none is given.
func Config(args []string, stdout io.Writer) error {
	if slices.ContainsFunc(args, isHelp) {
		_, err := io.WriteString(stdout, configHelp)
		return err
	}
	rest := 0 // arguments before the name of the command
	if len(args) > 0 {
		rest = map[string]int{"default": 1, "check": 2}[args[0]]
	}
	if rest == 0 || len(args) < rest {
		return errors.New("want config default [load], or config check FILE [load]")
	}
	of, err := config.Named(cmp.Or(strings.Join(args[rest:], " "), "serve"))
	switch {
	case err != nil:
		return err
	case args[0] == "default":
		return config.Default(stdout, of)
	}
	return config.Check(args[1], of)
}
