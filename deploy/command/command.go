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

// Help prints the help of the command that is named, serve's when none is; --man prints the manual page of all, for this version.
func Help(version string, args []string, stdout io.Writer) error {
	if slices.Equal(args, []string{"--man"}) {
		return config.Man(stdout, version)
	}
	if slices.Equal(args, []string{"load", "compare"}) {
		_, err := io.WriteString(stdout, compareHelp)
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

// Config prints or tests a config file. The name of the command that the file is for comes last; it is serve's
// where none is given.
func Config(args []string, stdout io.Writer) error {
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
