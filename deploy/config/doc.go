// Package config holds the settings of Throng's commands: what they are called, what they may be, and where their
// values come from.
//
// Every setting has three ways in, and the later wins: a key in the TOML file that --config (or THRONG_CONFIG)
// names, a variable of the environment, a flag. All three, the help and the file that "throng config default"
// prints are made from one table a command: a command is a struct ([Serve], [Load], [Worker], [Doctor], [Health], [Token], [LogMove], [LogHost]) with a table
// of groups over its fields, and a new setting is one field and one row there.
//
// The variable of --max-message is THRONG_MAX_MESSAGE. A command other than serve has variables of its own that win
// over these, such as THRONG_LOAD_USERS over THRONG_USERS, and leaves the plain ones alone by which serve means
// another thing: the rate of a load run is THRONG_LOAD_RATE, and THRONG_RATE is the server's. A file is for one
// command; [Worker], [Doctor], [Health], [Token] and [LogMove] read none.
//
// A value that cannot be used is never replaced by a guess. The first one found becomes an error of one line that
// says which setting it was, where it stood and what would be right; it carries no "throng: " in front and no line
// break behind, so that main can print it as it likes and exit with code 2. A secret is not repeated, unless it is
// what makes the file no TOML.
//
// The files, in the order of reading: command.go (what a command is, and the road of its values), setting.go (the
// table), serve.go with serve_api.go, serve_auth.go, serve_limits.go, serve_observe.go, serve_tls.go and serve_webhook.go, load.go, worker.go,
// doctor.go, health.go, token.go and log.go (the commands), kind.go, address.go and size.go (how a text becomes a value), source.go (flags,
// environment, file), nearest.go (names that are none), changed.go (in what two servers' settings differ), print.go (help and default file),
// man.go (the manual page), load_help.go (the words around the settings of load).
//
// The package has no state, starts no goroutine and imports no other package of Throng. All of its functions may be
// called from any goroutine, for different commands.
package config
