package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	_ "net/http/pprof" // to settle its memory in the same way as the server's
	"time"

	"github.com/gobwas/ws"
	"github.com/lesismal/nbio"
)

// runHolder is the other stand-in: net/http, its hijack and nbio, with nothing behind. It answers
// handshakes and holds the sockets.
func runHolder(log io.Writer) error {
	engine := nbio.NewEngine(nbio.Config{NPoller: 2})
	engine.OnData(func(*nbio.Conn, []byte) {})
	if err := engine.Start(); err != nil {
		return err
	}
	http.HandleFunc("/conn/ws/", func(w http.ResponseWriter, r *http.Request) {
		conn, _, _, err := ws.UpgradeHTTP(r, w)
		if err != nil {
			return
		}
		_ = conn.SetDeadline(time.Time{})
		held, err := nbio.NBConn(conn)
		if err == nil {
			_, err = engine.AddConn(held)
		}
		if err != nil {
			fmt.Fprintf(log, "stand-in: %v\n", err)
		}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintf(log, "stand-in addr=%s admin=%s\n", listener.Addr(), listener.Addr())
	return http.Serve(listener, nil)
}
