package config

import "maps"

func init() {
	maps.Copy(serveTexts, map[string]texts{
		"otlp": {[]string{"", "http://localhost:4318/v1/traces", "https://otel.example"},
			[]string{"localhost:4318", "grpc://a:4317", "http://", "http://u:p@a", "http://a?x=1", "http://a#x"}},
		"trace-sample": {[]string{"0", "0.001", "1"}, []string{"", "-1", "1.1", "NaN", "1%"}},
	})
}
