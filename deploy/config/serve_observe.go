package config

import "net/url"

// Observe is what others than the private listener are told of how the server works; a part of [Serve].
type Observe struct {
	OTLP        string  // where traces of messages are sent, http or https; empty: nowhere
	TraceSample float64 // part of all messages that is traced, 0 to 1
}

// onObserve is what others than the private listener are told of how the server works.
func (s *Serve) onObserve() []setting {
	return []setting{
		{"otlp", "", httpURLOrEmpty(&s.OTLP),
			"collector of OpenTelemetry that traces of messages are sent to, OTLP over HTTP, such as http://localhost:4318/v1/traces; empty = none"},
		{"trace-sample", "0.001", number(&s.TraceSample, "traces a message", 1, "0 = none"),
			"part of all messages that is traced, where otlp is set; 1 = each"},
	}
}

// httpURLOrEmpty is for a URL without a user and a query, or none. One that has them is refused, and not repeated.
func httpURLOrEmpty(to *string) kind {
	const want = "http://HOST:PORT/PATH or https://HOST/PATH"
	isGood := func(text string) bool {
		u, err := url.Parse(text)
		return text == "" || err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil &&
			u.RawQuery == "" && u.Fragment == ""
	}
	return kind{unit: want, want: want, secret: func(text string) bool { return !isGood(text) }, set: func(text string) bool {
		if !isGood(text) {
			return false
		}
		*to = text
		return true
	}}
}
