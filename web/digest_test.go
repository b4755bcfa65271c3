package web

import (
	"slices"
	"testing"
	"testing/fstest"
)

// A change anywhere gives other addresses; the same content gives the same.
func TestDigestFollowsContent(t *testing.T) {
	client := func(change func(fstest.MapFS)) string {
		files := fstest.MapFS{
			"index.html":  {Data: []byte(`<script src="static/a.js"></script>`)},
			"favicon.svg": {Data: []byte(`<svg/>`)},
			"a.js":        {Data: []byte(`1`)},
			"b.js":        {Data: []byte(`2`)},
		}
		change(files)
		s, err := newSite(files, options{})
		if err != nil {
			t.Fatal(err)
		}
		return string(s["/"].plain)
	}

	pages := []string{client(func(fstest.MapFS) {})}
	if again := client(func(fstest.MapFS) {}); again != pages[0] {
		t.Errorf("the same client gave %s and %s", pages[0], again)
	}
	for name, change := range map[string]func(fstest.MapFS){
		"content": func(files fstest.MapFS) { files["b.js"].Data = []byte(`3`) },
		"name":    func(files fstest.MapFS) { files["c.js"] = files["b.js"]; delete(files, "b.js") },
		"more":    func(files fstest.MapFS) { files["c.js"] = files["b.js"] },
		"less":    func(files fstest.MapFS) { delete(files, "b.js") },
		"swapped": func(files fstest.MapFS) { files["a.js"], files["b.js"] = files["b.js"], files["a.js"] },
		"moved": func(files fstest.MapFS) {
			files["a.js"].Data = []byte("1\"b.js\" 1\n2")
			delete(files, "b.js")
		},
	} {
		page := client(change)
		if slices.Contains(pages, page) {
			t.Errorf("%s: an address was used before: %s", name, page)
		}
		pages = append(pages, page)
	}
}
