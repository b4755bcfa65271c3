package config

// onAPI is who may use what is below /api/.
func (s *Serve) onAPI() []setting {
	return []setting{
		{"api-key", "", key(&s.APIKey, leastKey),
			"bearer key of /api/, good for all of it; empty and no api-keys = the API answers this machine only; " +
				"best in THRONG_API_KEY, since all users of a machine see its flags"},
		{"api-keys", "", path(&s.APIKeys, "file", optional),
			"file of more keys for /api/, TOML: [[key]] with name, key or sha256 (in hex), scopes of read, publish, moderate, admin; " +
				"read again when it changes; empty = none"},
	}
}
