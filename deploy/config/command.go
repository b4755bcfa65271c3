package config

import (
	"flag"
	"fmt"
)

// ErrHelp is what [Parse] returns when the arguments ask for help (-h, --help). It is no failure: the caller prints
// [Usage] to standard output and exits with code 0.
var ErrHelp = flag.ErrHelp

// Command is the settings of one command: a *[Serve], *[Load], *[Worker], *[Doctor], *[Health], *[Token], *[LogMove] or *[LogHost].
type Command interface {
	about() about
	groups() []group          // the table, over the fields of the receiver
	settle(t *table) error    // finishes and checks what depends on more than one setting
	doubts(t *table) []string // says what can be used but was hardly meant
}

// about is what is to be said of a command beside its settings.
type about struct {
	name  string   // as a user types it after "throng"
	does  string   // the head of the help, after "Usage: throng "
	more  string   // the foot of the help
	apart []string // settings that mean another thing than serve's of the same name
	reads Command  // whose file --config names, where it is another command's; what only that one has is passed over
}

// commands returns every command, each with no settings yet.
func commands() []Command {
	return []Command{new(Serve), new(Load), new(Worker), new(Doctor), new(Health), new(Token), new(LogMove), new(LogHost)}
}

// Named returns the command that a user types as name after "throng", with no settings yet. The error is one line
// and lists the names.
func Named(name string) (Command, error) {
	var names []string
	for _, c := range commands() {
		if c.about().name == name {
			return c, nil
		}
		names = append(names, c.about().name)
	}
	return nil, fmt.Errorf("unknown command %.80q: want %s", name, either(names))
}

// Parse fills into with the settings from the arguments after the command and from the environment as os.Environ
// gives it, and reads the config file that either of them names. It changes neither slice.
//
// The warnings are for the log, one line each: variables of the environment that begin with THRONG_ and name no
// setting of any command (Kubernetes makes such ones for a service of that name), and values that fit ill together.
// The error is [ErrHelp], or one line about the first value that cannot be used; into is then of no use.
func Parse(into Command, args, environ []string) (warnings []string, err error) {
	t := newTable(into)
	flags, err := t.fromFlags(args)
	if err != nil {
		return nil, err
	}
	env, warnings := t.fromEnvironment(environ)
	if err := t.read(env, flags); err != nil {
		return nil, err
	}
	return append(warnings, into.doubts(t)...), nil
}

// Check tells whether the file could be given to the command's --config: nil, or one line about the first thing in
// it that cannot be used. The environment has no say. The command is changed.
func Check(file string, of Command) error {
	t := newTable(of)
	row, err := t.configRow()
	if err != nil {
		return err
	}
	at := given{row, file, "config check", "argument"}
	if file == "" {
		return at.refuse("the path of a TOML file")
	}
	return t.read([]given{at})
}

// configRow is the setting that names the file, or an error where the command reads none of its own.
func (t *table) configRow() (*setting, error) {
	if row, ok := t.byName["config"]; ok && t.reads == nil {
		return row, nil
	}
	return nil, fmt.Errorf("throng %s reads no config file", t.name)
}

// read puts the sources over the defaults, the later over the earlier, and beneath them the file that they name.
func (t *table) read(sources ...[]given) error {
	if err := t.apply(sources...); err != nil {
		return err
	}
	if at, ok := t.used["config"]; ok && at.text != "" {
		file, err := t.fromFile(at)
		if err != nil {
			return err
		}
		if err := t.apply(append([][]given{file}, sources...)...); err != nil {
			return err
		}
	}
	return t.command.settle(t)
}
