// Command peers runs a chat server in Throng's tutorial dialect on another library, each written the
// way that library's users would write it, so that Throng can be measured beside them:
//
//	peers gws|gorilla|nbio|centrifuge [--addr 127.0.0.1:0] [--admin 127.0.0.1:0] [--ping 25s]
//
// The first line on standard error holds addr=HOST:PORT, and admin=HOST:PORT if there is a private
// listener, which serves /debug/pprof/. SIGTERM ends the server in order.
//
// # Fairness
//
// All share what the libraries leave to their users: JSON by encoding/json, 64 KiB as the largest
// message, no compression, a ping to each client every 25 seconds, Go's defaults for the garbage collector
// and the number of threads. What each does about a reader who does not keep up is its own: the file
// says it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	_ "net/http/pprof" // the private listener
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// peer starts a chat server on a listener, which it takes over. It pings each client once in an interval
// and gives one up that says nothing for two. Stop ends all connections.
type peer func(listener net.Listener, ping time.Duration) (stop func(context.Context) error, err error)

var peers = map[string]peer{
	"centrifuge": startCentrifuge,
	"gorilla":    startGorilla,
	"gws":        startGws,
	"nbio":       startNbio,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// run is the program until ctx ends.
func run(ctx context.Context, args []string) error {
	names := strings.Join(slices.Sorted(maps.Keys(peers)), ", ")
	if len(args) == 0 || peers[args[0]] == nil {
		return fmt.Errorf("want the name of a peer first: %s", names)
	}
	flags := flag.NewFlagSet("peers "+args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the error says what there is to say
	addr := flags.String("addr", "127.0.0.1:0", "HOST:PORT of the chat")
	admin := flags.String("admin", "", "HOST:PORT of the private listener; none if empty")
	ping := flags.Duration("ping", 25*time.Second, "how often a client is pinged; one silent for twice this is closed")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}

	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	said := fmt.Sprintf("%s addr=%s", args[0], listener.Addr())
	if *admin != "" {
		private, err := net.Listen("tcp", *admin)
		if err != nil {
			return errors.Join(err, listener.Close())
		}
		said += fmt.Sprintf(" admin=%s", private.Addr())
		debug := serve(private, http.DefaultServeMux)
		defer func() { _ = debug.Close() }()
	}
	stop, err := peers[args[0]](listener, *ping)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	fmt.Fprintln(os.Stderr, said)
	<-ctx.Done()
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return stop(patience)
}

// serve runs an HTTP server until it is closed.
func serve(listener net.Listener, handler http.Handler) *http.Server {
	s := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := s.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(os.Stderr, "peers:", err)
		}
	}()
	return s
}
