// Command throng is a chat server: everyone to everyone, rooms and two people, over WebSocket on an event loop.
//
// This file is its commands and signals; deploy/server makes the server. See README.md for the tour.
package main

import (
	"context"
	"errors"
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
	os.Exit(throng(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr, server.NewHandover))
}

// throng is the program: a command with its arguments until ctx ends, and the exit code. handover is for a server that is all of
// its process; nil: it is not.
func throng(ctx context.Context, args, environ []string, stdout, stderr io.Writer, handover func() (*server.Handover, error)) int {
	name := "serve"
	switch {
	case len(args) > 0 && (args[0] == "--version" || args[0] == "-version"):
		name, args = "version", args[1:]
	case len(args) > 0 && !strings.HasPrefix(args[0], "-"):
		name, args = args[0], args[1:]
	}
	var err error
	switch name {
	case "serve":
		return runServe(ctx, args, environ, stdout, stderr, handover)
	case "load":
		return command.Load(ctx, version, args, environ, stdout, stderr)
	case "doctor":
		return command.Doctor(ctx, args, environ, stdout, stderr)
	case "health":
		return command.Health(ctx, args, environ, stdout, stderr)
	case "token":
		return command.Token(args, environ, stdout, stderr, server.CheckNick)
	case "log":
		return command.Log(ctx, args, environ, stdout, stderr)
	case "config":
		err = command.Config(args, stdout)
	case "version":
		err = command.Version(version, args, stdout)
	case "help":
		err = command.Help(version, args, stdout)
	default:
		err = fmt.Errorf("unknown command %q: want serve, load, doctor, health, token, log, config, version or help", name)
	}
	if err != nil {
		fmt.Fprintln(stderr, "throng:", err)
		return command.Usage
	}
	return command.Done
}

func runServe(ctx context.Context, args, environ []string, stdout, stderr io.Writer, handover func() (*server.Handover, error)) int {
	var settings config.Serve
	warnings, code, ok := command.Parse(&settings, args, environ, stdout, stderr)
	if !ok {
		return code
	}
	level := new(slog.LevelVar)
	level.Set(settings.LogLevel)
	log := newLog(settings.LogFormat, level, stderr)
	options := server.Options{Version: version, Log: log, Level: level}
	var err error
	if handover != nil {
		options.Handover, err = handover()
	}
	p := process{args: args, environ: environ, log: log, handover: options.Handover, asked: make(chan os.Signal, 1)}
	if p.handover != nil {
		signal.Notify(p.asked, syscall.SIGHUP, syscall.SIGUSR2) // before anybody can know that it is there
		defer signal.Stop(p.asked)
	}
	if err == nil {
		p.server, err = server.Start(settings, options)
	}
	if unusable, ok := errors.AsType[*server.SettingError](err); ok {
		fmt.Fprintln(stderr, "throng:", unusable)
		return command.Usage
	}
	if err != nil {
		log.Error("throng cannot start", "err", err)
		return command.Failed
	}
	for _, w := range warnings {
		log.Warn(w)
	}
	p.serve(ctx)
	return command.Done
}

func newLog(format string, level slog.Leveler, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// process is a server and what this process is asked by signals to do with it.
type process struct {
	args, environ []string
	log           *slog.Logger
	server        *server.Server
	handover      *server.Handover // nil: none
	asked         chan os.Signal
}

// serve runs the server until ctx ends or another process was given its listeners, and ends it.
func (p *process) serve(ctx context.Context) {
	end := p.server.Stop
	if p.untilEnd(ctx) {
		end = p.server.Leave
	}
	longest := p.server.DrainTime()
	p.log.Info("draining", "longest", longest, "connections", p.server.Conns())
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), longest)
	defer cancel()
	if err := end(drain); err != nil {
		p.log.Warn("some connections were cut off", "err", err)
	}
	p.log.Info("stopped", "too_slow", p.server.TooSlow())
}

// untilEnd does what signals ask for, SIGHUP to reload and SIGUSR2 to hand over, until ctx ends or, when it returns true, another
// process has the listeners.
func (p *process) untilEnd(ctx context.Context) (passed bool) {
	pass, passing := make(chan error), 0
	for {
		select {
		case <-ctx.Done():
			p.handover.Stop()
			for range passing {
				passed = <-pass == nil || passed // it was ready just before
			}
			return passed
		case s := <-p.asked:
			if s == syscall.SIGHUP {
				p.reload()
				continue
			}
			p.log.Info("starting the process that is to follow")
			passing++
			go func() { pass <- p.handover.Pass() }()
		case err := <-pass:
			passing--
			if err == nil {
				return true
			}
			p.log.Error("no process has followed; this one goes on", "err", err)
		}
	}
}

// reload reads the settings again, from the same places, and brings into force what can be.
func (p *process) reload() {
	var settings config.Serve
	warnings, err := config.Parse(&settings, p.args, p.environ)
	if err != nil {
		p.log.Error("not reloaded: all settings stay as they were", "err", err)
		return
	}
	for _, w := range warnings {
		p.log.Warn(w)
	}
	kept := p.server.Reload(settings)
	p.log.Info("reloaded", "changed_at_next_start", kept)
}
