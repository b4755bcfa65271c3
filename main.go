// Command throng is a chat server: everyone to everyone, rooms and two people, over WebSocket on an event loop.
//
// This file is its commands and signals; deploy/server makes the server. See README.md for the tour.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"throng/deploy/command"
	"throng/deploy/config"
	"throng/deploy/server"
)

// version is set by the linker (see the Makefile).
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(throng(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// throng is the program: a command with its arguments until ctx ends, and the exit code.
func throng(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	name := "serve"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	var err error
	switch name {
	case "serve":
		return runServe(ctx, args, environ, stdout, stderr)
	case "load":
		return command.Load(ctx, version, args, environ, stdout, stderr)
	case "doctor":
		return command.Doctor(ctx, args, environ, stdout, stderr)
	case "log":
		return command.Log(ctx, args, environ, stdout, stderr)
	case "config":
		err = command.Config(args, stdout)
	case "version":
		_, err = fmt.Fprintln(stdout, "throng", version)
	case "help":
		err = command.Help(args, stdout)
	default:
		err = fmt.Errorf("unknown command %q: want serve, load, doctor, log, config, version or help", name)
	}
	if err != nil {
		fmt.Fprintln(stderr, "throng:", err)
		return command.Usage
	}
	return command.Done
}

func runServe(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	var settings config.Serve
	warnings, code, ok := command.Parse(&settings, args, environ, stdout, stderr)
	if !ok {
		return code
	}
	log := newLog(settings, stderr)
	s, err := server.Start(settings, version, log)
	if err != nil {
		log.Error("throng cannot start", "err", err)
		return command.Failed
	}
	for _, w := range warnings {
		log.Warn(w)
	}
	<-ctx.Done()
	log.Info("draining", "longest", settings.Drain, "connections", s.Conns())
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), settings.Drain)
	defer cancel()
	if err := s.Stop(drain); err != nil {
		log.Warn("some connections were cut off", "err", err)
	}
	log.Info("stopped", "too_slow", s.TooSlow())
	return command.Done
}

func newLog(settings config.Serve, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: settings.LogLevel}
	if settings.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
