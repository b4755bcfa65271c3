package web

import (
	"embed"
	"io/fs"
	"net/http"
	"os"
)

//go:embed client
var embedded embed.FS

const (
	// cacheForever suits an address that names its content's digest.
	cacheForever = "public, max-age=31536000, immutable"
	// cacheAsk lets a browser keep a copy that it must ask about each time.
	cacheAsk = "no-cache"
	// cacheNever suits files that are being edited.
	cacheNever = "no-store"
)

// Handler serves the client that was compiled in: / is the page,
// /static/<digest>/… its assets, /favicon.svg and /favicon.ico the icon; all else
// is 404. It takes GET and HEAD; other methods get 405. It panics when the
// client compiled in is incomplete, which no input can cause.
func Handler() http.Handler {
	client, err := fs.Sub(embedded, "client")
	if err != nil {
		panic("web: " + err.Error())
	}
	s, err := newSite(client, options{compress: true, page: cacheAsk, asset: cacheForever})
	if err != nil {
		panic("web: " + err.Error())
	}
	return s
}

// Site serves another page by the rules of Handler: index.html, favicon.svg and what they use, and css/theme.css, which is the
// client's, so that all of Throng looks alike.
func Site(page fs.FS) (http.Handler, error) {
	theme, err := embedded.ReadFile("client/css/theme.css")
	if err != nil {
		return nil, err
	}
	return newSite(page, options{compress: true, page: cacheAsk, asset: cacheForever, more: map[string][]byte{"css/theme.css": theme}})
}

// Dev serves the client from a folder, which is read again for each request: an
// edit shows on reload. The rules are Handler's, but nothing is cached or
// compressed and the digest is the word "dev". A folder that cannot be served is
// answered with 500 and the reason.
func Dev(dir string) http.Handler {
	folder := os.DirFS(dir)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := newSite(folder, options{digest: "dev", page: cacheNever, asset: cacheNever})
		if err != nil {
			http.Error(w, "web: "+err.Error(), http.StatusInternalServerError)
			return
		}
		s.ServeHTTP(w, r)
	})
}
