package config

import (
	"flag"
	"fmt"
	"log/slog"
	"time"
)

// ErrHelp is what [Parse] returns when the arguments ask for help (-h, --help). It is no failure: the caller prints
// [Usage] to standard output and exits with code 0.
var ErrHelp = flag.ErrHelp

// Serve is the settings of one server, each already checked against its bounds. It is a plain value: whoever has
// one owns it, Origin included. The defaults, bounds and meanings stand in the table of setting.go; here is what
// the Go values mean.
type Serve struct {
	Config        string        // the file that was read; empty: none
	Addr          string        // public listener, host:port; port 0: any free one
	Admin         string        // private listener, host:port; empty: turned off
	Data          string        // folder of the log; "mem": memory alone
	Durability    string        // what an ack means: "fsync" or "os"
	MaxMessage    int           // bytes, after decompression; never 0
	EchoMax       int           // bytes; 0: no echo socket. Equal to MaxMessage where nobody set it
	MaxConns      int           // sockets; 0: what the open-file limit allows, less a reserve
	MaxConnsPerIP int           // sockets from one address; 0: no limit
	Queue         int           // bytes that may wait for one connection; never 0
	Ping          time.Duration // keep-alive interval; never 0
	Origin        []string      // as browsers write them, or "*" for any; empty: the page's own origin alone
	Compress      bool          // whether permessage-deflate is offered
	Rate          float64       // messages a second a connection; 0: no limit
	Burst         int           // messages; at least 1 unless Rate is 0
	Drain         time.Duration // longest time that a stop waits for clients; 0: it does not wait
	Dev           string        // folder to serve the browser client from; empty: the built-in one
	LogLevel      slog.Level    // least level that is logged
	LogFormat     string        // "text" or "json"
}

// Parse makes the settings from the arguments after "throng serve" and from the environment as os.Environ gives it,
// and reads the config file that either of them names. It changes neither slice.
//
// The warnings are for the log, one line each: variables of the environment that begin with THRONG_ and name no
// setting (Kubernetes makes such ones for a service of that name), and values that fit ill together. The error is
// [ErrHelp], or one line about the first value that cannot be used.
func Parse(args, environ []string) (settings Serve, warnings []string, err error) {
	t := newTable(&settings)
	flags, err := t.fromFlags(args)
	if err != nil {
		return Serve{}, nil, err
	}
	env, warnings := t.fromEnvironment(environ)
	if err := t.read(env, flags); err != nil {
		return Serve{}, nil, err
	}
	return settings, append(warnings, t.doubts()...), nil
}

// Check tells whether the file could be given to --config: nil, or one line about the first thing in it that cannot
// be used. The environment has no say.
func Check(file string) error {
	t := newTable(new(Serve))
	at := given{t.byName["config"], file, "config check", "argument"}
	if file == "" {
		return at.refuse("the path of a TOML file")
	}
	return t.read([]given{at})
}

// read puts the sources over the defaults, the later over the earlier, and beneath them the file that they name.
func (t *table) read(sources ...[]given) error {
	if err := t.apply(sources...); err != nil {
		return err
	}
	if t.serve.Config != "" {
		file, err := t.fromFile(t.used["config"])
		if err != nil {
			return err
		}
		if err := t.apply(append([][]given{file}, sources...)...); err != nil {
			return err
		}
	}
	return t.settle()
}

// settle finishes the settings that depend on another one.
func (t *table) settle() error {
	if t.serve.EchoMax == asMaxMessage {
		t.serve.EchoMax = t.serve.MaxMessage
	}
	if t.serve.Rate > 0 && t.serve.Burst == 0 {
		return t.used["burst"].refuse("at least 1 message, since --rate sets a limit")
	}
	return nil
}

// doubts says what can be used but was hardly meant.
func (t *table) doubts() []string {
	if t.serve.Queue >= t.serve.MaxMessage {
		return nil
	}
	return []string{fmt.Sprintf("%v is less than %v: one large message can make a reader count as slow",
		t.used["queue"], t.used["max-message"])}
}
