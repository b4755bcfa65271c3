package admin

// Stats is what the API needs of what is counted. Its methods are called from any number of goroutines.
type Stats interface {
	// Now is how this process is.
	Now() Process
}

// Process is how a process of the server is.
type Process struct {
	Version     string             `json:"version"`
	Node        string             `json:"node"` // "": there is one
	Now         int64              `json:"now"`  // ms since 1970
	Started     int64              `json:"started"`
	Online      int                `json:"online"`      // people's sessions, on this node
	Connections int                `json:"connections"` // sockets
	Rooms       int                `json:"rooms"`       // with people of this node
	IsDraining  bool               `json:"draining"`
	Problem     string             `json:"problem"` // why it cannot serve at present; "": it can
	Metrics     map[string]float64 `json:"metrics"` // what else is counted, by the name in /metrics, summed over labels
}

func (s *Server) now(c *call) (any, error) {
	if q := c.query(); q.bad != nil {
		return nil, q.bad
	}
	return s.stats.Now(), nil
}

// nodeList is all nodes.
type nodeList struct {
	Nodes []Node `json:"nodes"`
}

func (s *Server) nodes(c *call) (any, error) {
	if q := c.query(); q.bad != nil {
		return nil, q.bad
	}
	return nodeList{s.chat.Nodes(c.Context())}, nil
}
