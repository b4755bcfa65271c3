package config

import "time"

// Token is the settings of one token to try a server with. It is a plain value.
type Token struct {
	JWTKey    string        // file of the key that signs
	Sub       string        // the nick of the bearer
	TTL       time.Duration // how long it is valid from now on
	Moderator bool          // whether its bearer may kick, mute, ban and delete
	Join      []string      // rooms that may be joined; nil: any
	Write     []string      // rooms that may be written to, of those; nil: any
	Audience  string        // that it is for; empty: none is named
	Issuer    string        // that it is of; empty: none is named
}

func (k *Token) about() about {
	return about{
		name: "token",
		does: `token --jwt-key FILE --sub NICK [--setting value]...

Prints a token (JWT) with which NICK can come in to a server that runs with --auth jwt and the same key, or the public half of
it. It is for trying things out; who runs a site has tokens made where people log in. The page takes one as
http://HOST:PORT/#token=TOKEN. The environment works as well (THRONG_JWT_KEY for --jwt-key), and flags win over it.
`,
		more: `Examples:
  throng token --jwt-key secret.txt --sub alice                                      a secret: HS256
  throng token --jwt-key private.pem --sub eve --ttl 10m --moderator --join go,team-*    the algorithm is the key's

Exit codes: 0 printed, 1 failed, 2 usage or config.
`,
	}
}

func (k *Token) groups() []group {
	return []group{{"", []setting{
		{"jwt-key", "", path(&k.JWTKey, "file", optional),
			"key that signs: a private key in PEM or as a JWK, or a secret of 32 bytes or more; there is no default"},
		{"sub", "", word(&k.Sub),
			"nick of the bearer; there is no default"},
		{"ttl", "1h", duration(&k.TTL, time.Second, 365*day),
			"how long the token is valid"},
		{"moderator", "false", truth(&k.Moderator),
			"the bearer may kick, mute, ban and delete"},
		{"join", "", roomPatterns(&k.Join),
			"rooms that may be joined; a * at the end stands for any end; empty = any"},
		{"write", "", roomPatterns(&k.Write),
			"rooms that may be written to, of those; empty = any"},
		{"jwt-audience", "", word(&k.Audience),
			"aud of the token; empty = none"},
		{"jwt-issuer", "", word(&k.Issuer),
			"iss of the token; empty = none"},
	}}}
}

func (k *Token) settle(t *table) error {
	switch {
	case k.JWTKey == "":
		return t.used["jwt-key"].refuse("the file of the key that signs")
	case k.Sub == "":
		return t.used["sub"].refuse("the nick of the bearer")
	}
	return nil
}

func (k *Token) doubts(*table) []string { return nil }

// roomPatterns is for names of rooms, and starts of them with a * behind; what a name may be the server says.
func roomPatterns(to *[]string) kind {
	return each(to, "room", "the name of a room, or its start and a *", func(text string) (string, bool) {
		return text, text != "" && len(text) <= 256 && isText(text)
	})
}
