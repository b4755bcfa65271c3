// Package config holds the settings of "throng serve": what they are called, what they may be, and where their
// values come from.
//
// Every setting has three ways in, and the later wins: a key in the TOML file that --config (or THRONG_CONFIG)
// names, a variable of the environment, a flag. All three, the help and the file that "throng config default"
// prints are made from one table in setting.go: a new setting is one field of [Serve] and one row there.
//
// A value that cannot be used is never replaced by a guess. The first one found becomes an error of one line that
// says which setting it was, where it stood and what would be right; it carries no "throng: " in front and no line
// break behind, so that main can print it as it likes and exit with code 2.
//
// The files, in the order of reading: serve.go (the result), setting.go (the table), kind.go and size.go (how a
// text becomes a value), source.go (flags, environment, file), nearest.go (names that are none), print.go (help and
// default file).
//
// The package has no state, starts no goroutine and imports no other package of Throng. All of its functions may be
// called from any goroutine.
package config
