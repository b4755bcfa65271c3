package admin

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// The document has the routes that there are, and no others, and each tells its scope.
func TestDocumentHasAllRoutes(t *testing.T) {
	var doc struct {
		Paths map[string]map[string]struct{ Description string }
	}
	if err := json.Unmarshal(document, &doc); err != nil {
		t.Fatal(err)
	}
	var documented, served []string
	for path, methods := range doc.Paths {
		for method, about := range methods {
			documented = append(documented, strings.ToUpper(method)+" "+path+" "+about.Description)
		}
	}
	for _, r := range open(t).routes {
		about := r.method + " " + r.path + " "
		i := slices.IndexFunc(documented, func(d string) bool { return strings.HasPrefix(d, about) })
		if i < 0 {
			t.Errorf("%s is not documented", about)
			continue
		}
		if !r.isOpen && !strings.Contains(documented[i], "Scope: "+string(r.scope)) {
			t.Errorf("%s needs scope %s: %s", about, r.scope, documented[i])
		}
		served = append(served, documented[i])
	}
	for _, d := range documented {
		if !slices.Contains(served, d) {
			t.Errorf("%s is not served", d)
		}
	}
}
