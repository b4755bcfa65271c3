package admin

import (
	"embed"
	"io/fs"
	"net/http"

	"throng/web"
)

//go:embed page
var embedded embed.FS

// Page serves the page for operators: / and what it uses. It has no secrets; what it shows it asks the API for, with the key that its
// user gives it. It panics when the page compiled in is incomplete, which no input can cause.
func Page() http.Handler {
	page, err := fs.Sub(embedded, "page")
	if err == nil {
		var site http.Handler
		if site, err = web.Site(page); err == nil {
			return site
		}
	}
	panic("admin: " + err.Error())
}
