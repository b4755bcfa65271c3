// Package command holds the commands of throng beside serve: load, doctor, health, token, log, config and help. Each is a function of its
// arguments, the environment and the standard streams, and returns the exit code of the program; main chooses among
// them. It is the one place outside of main that joins the settings (deploy/config) with what they are for.
package command
