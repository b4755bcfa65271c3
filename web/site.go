package web

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// contentTypes are the kinds of file that a client may consist of. The table is
// ours because the system's differs from machine to machine.
var contentTypes = map[string]string{
	".css":  "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// options says how a site is served.
type options struct {
	digest   string            // part of the assets' addresses; "" = computed from the content
	compress bool              // keep a gzip variant of each asset
	page     string            // Cache-Control of the page and the icon
	asset    string            // Cache-Control of the assets
	more     map[string][]byte // files that are served besides, by name
}

// site holds all answers, ready to send, by URL path. It never changes.
type site map[string]*asset

// asset is one file in its variants.
type asset struct {
	contentType  string
	cacheControl string
	etag         string // without quotes
	plain        []byte
	gzipped      []byte // nil when it would not be smaller
}

// newSite reads the client in fsys: index.html, favicon.svg and whatever files
// they use.
func newSite(fsys fs.FS, opts options) (site, error) {
	files, err := readAll(fsys)
	if err != nil {
		return nil, err
	}
	maps.Copy(files, opts.more)
	for _, name := range []string{"index.html", "favicon.svg"} {
		if files[name] == nil {
			return nil, fmt.Errorf("client has no %s", name)
		}
	}

	root := "/static/" + cmp.Or(opts.digest, digestOf(files)) + "/"
	page := bytes.ReplaceAll(files["index.html"], []byte(`="static/`), []byte(`="`+root[1:]))
	icon := files["favicon.svg"]
	delete(files, "index.html")

	s := site{
		"/":            newAsset("index.html", page, opts.page, opts.compress),
		"/favicon.svg": newAsset("favicon.svg", icon, opts.page, opts.compress),
	}
	s["/favicon.ico"] = s["/favicon.svg"]
	for name, body := range files {
		s[root+name] = newAsset(name, body, opts.asset, opts.compress)
	}
	return s, nil
}

// readAll returns the files of fsys by name. A file of unknown kind is an error:
// it was most likely not meant to be published.
func readAll(fsys fs.FS) (map[string][]byte, error) {
	files := make(map[string][]byte)
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if contentTypes[path.Ext(name)] == "" {
			return fmt.Errorf("%s: no content type for this kind of file", name)
		}
		files[name], err = fs.ReadFile(fsys, name)
		return err
	})
	return files, err
}

func newAsset(name string, body []byte, cacheControl string, compress bool) *asset {
	a := &asset{
		contentType:  contentTypes[path.Ext(name)],
		cacheControl: cacheControl,
		etag:         digestOf(map[string][]byte{name: body}),
		plain:        body,
	}
	if packed := gzipped(body); compress && len(packed) < len(body) {
		a.gzipped = packed
	}
	return a
}

// ServeHTTP answers from memory. net/http does the conditional and range
// requests (RFC 9110, sections 13 and 14).
func (s site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	secure(h, r)
	a := s[r.URL.Path]
	if a == nil {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}

	body, etag := a.plain, a.etag
	if a.gzipped != nil {
		h.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header) {
			// A variant is another representation, so it has another tag
			// (RFC 9110, section 8.8.3.3).
			body, etag = a.gzipped, a.etag+"-gzip"
			h.Set("Content-Encoding", "gzip")
		}
	}
	h.Set("Cache-Control", a.cacheControl)
	h.Set("Content-Type", a.contentType)
	h.Set("ETag", strconv.Quote(etag))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// acceptsGzip reads Accept-Encoding (RFC 9110, section 12.5.3). A wildcard is not
// taken as a wish for gzip: plain is always right.
func acceptsGzip(h http.Header) bool {
	codings := strings.ToLower(strings.Join(h.Values("Accept-Encoding"), ","))
	for coding := range strings.SplitSeq(codings, ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if strings.TrimSpace(name) != "gzip" {
			continue
		}
		q, found := strings.CutPrefix(strings.TrimSpace(weight), "q=")
		value, err := strconv.ParseFloat(q, 64)
		return !found || (err == nil && value > 0)
	}
	return false
}

// gzipped returns body compressed as well as gzip can: it is done once a start.
// None of the steps can fail: the level is right, and memory takes all.
func gzipped(body []byte) []byte {
	var packed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	_, _ = w.Write(body)
	_ = w.Close()
	return packed.Bytes()
}
