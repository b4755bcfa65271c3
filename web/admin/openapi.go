package admin

import (
	_ "embed"

	"github.com/go-json-experiment/json/jsontext"
)

// document is the API in OpenAPI 3.0.3, written by hand. Tests hold it against the routes and against a running server.
//
//go:embed openapi.json
var document []byte

func (s *Server) openapi(c *call) (any, error) {
	if q := c.query(); q.bad != nil {
		return nil, q.bad
	}
	return jsontext.Value(document), nil
}
