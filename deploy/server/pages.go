package server

import (
	"net/http"
	"strings"

	"throng/deploy/config"
	"throng/room"
	"throng/web"
)

// pages answers plain HTTP: the browser client, and a clear word for socket paths without a WebSocket request.
func pages(settings config.Serve) http.Handler {
	mux := http.NewServeMux()
	if settings.Dev != "" {
		mux.Handle("/", web.Dev(settings.Dev))
	} else {
		mux.Handle("/", web.Handler())
	}
	needSocket := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Sec-WebSocket-Version", "13")
		http.Error(w, "this address is for WebSocket requests", http.StatusUpgradeRequired)
	}
	mux.HandleFunc(echoPath, needSocket)
	mux.HandleFunc(chatPath, func(w http.ResponseWriter, r *http.Request) {
		if _, bad := room.ParseNick(strings.TrimPrefix(r.URL.Path, chatPath)); bad != nil {
			http.Error(w, bad.Message, bad.Code)
			return
		}
		needSocket(w, r)
	})
	return mux
}
