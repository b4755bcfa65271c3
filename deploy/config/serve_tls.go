package config

import (
	"crypto/tls"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// onTLS is how the public listener is encrypted, and where its certificates come from.
func (s *Serve) onTLS() []setting {
	return []setting{
		{"tls-cert", "", path(&s.TLSCert, "file", optional),
			"PEM file of the certificate, and those that vouch for it: https and wss on addr; read again when it changes; empty = plain"},
		{"tls-key", "", path(&s.TLSKey, "file", optional),
			"PEM file of the certificate's private key"},
		{"acme-domain", "", domains(&s.ACMEDomain),
			"get certificates for this domain by ACME, may be given several times; its port 443 must lead to addr; " +
				"means that the authority's terms are agreed to"},
		{"acme-email", "", path(&s.ACMEEmail, "address", optional),
			"ACME: by which the certificate authority can reach you; empty = not"},
		{"acme-ca", "", httpsURL(&s.ACMECa),
			"ACME: the certificate authority's directory; empty = Let's Encrypt"},
		{"acme-ca-root", "", path(&s.ACMECaRoot, "file", optional),
			"ACME: PEM file of what to trust the authority's own https by; empty = what the system trusts"},
		{"acme-dir", "", path(&s.ACMEDir, "folder", optional),
			"ACME: folder of keys and certificates, which nodes may share; empty = acme in the folder data"},
		{"acme-http", "", addressOrEmpty(&s.ACMEHttp),
			"ACME: listener for the challenge by HTTP, such as :80, which sends everybody else to https; empty = none"},
	}
}

// IsTLS tells whether the public listener is encrypted.
func (s *Serve) IsTLS() bool { return s.TLSCert != "" || len(s.ACMEDomain) > 0 }

// settleTLS checks that the settings of TLS go together, and that the files can be used.
func (s *Serve) settleTLS(t *table) error {
	switch {
	case s.TLSCert != "" && s.TLSKey == "":
		return t.used["tls-cert"].refuse("--tls-key as well")
	case s.TLSKey != "" && s.TLSCert == "":
		return t.used["tls-key"].refuse("--tls-cert as well")
	case s.TLSCert != "" && len(s.ACMEDomain) > 0:
		return t.used["acme-domain"].refuse("nothing, since --tls-cert is set")
	}
	if s.TLSCert != "" {
		if _, err := os.ReadFile(s.TLSKey); err != nil {
			return t.used["tls-key"].refuse("a file that can be read: " + err.Error())
		}
		if _, err := tls.LoadX509KeyPair(s.TLSCert, s.TLSKey); err != nil {
			return t.used["tls-cert"].refuse("the certificate of --tls-key: " + err.Error())
		}
	}
	if len(s.ACMEDomain) > 0 {
		return s.settleACME(t)
	}
	for name, value := range map[string]string{
		"acme-email": s.ACMEEmail, "acme-ca": s.ACMECa, "acme-ca-root": s.ACMECaRoot, "acme-dir": s.ACMEDir, "acme-http": s.ACMEHttp,
	} {
		if value != "" {
			return t.used[name].refuse("nothing, unless --acme-domain is set")
		}
	}
	return nil
}

func (s *Serve) settleACME(t *table) error {
	if s.ACMEDir == "" {
		if s.Data == "mem" {
			return t.used["acme-domain"].refuse("--acme-dir as well, since --data is mem")
		}
		s.ACMEDir = filepath.Join(s.Data, "acme")
	}
	if s.ACMECaRoot != "" {
		if _, err := os.ReadFile(s.ACMECaRoot); err != nil {
			return t.used["acme-ca-root"].refuse("a file that can be read: " + err.Error())
		}
	}
	return nil
}

// domains are names, or IP addresses, that a certificate can be for.
func domains(to *[]string) kind {
	const unit = "DOMAIN"
	return each(to, unit, "a "+unit+", such as chat.example.com", func(text string) (string, bool) {
		text = strings.ToLower(text)
		return text, text != "" && isHost(text) && !strings.HasPrefix(text, ".")
	})
}

// httpsURL is for a page that is asked for by https; empty = none.
func httpsURL(to *string) kind {
	const unit = "https://HOST[:PORT]/PATH"
	return kind{unit: unit, want: unit, set: func(text string) bool {
		u, err := url.Parse(text)
		if text != "" && (err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || !isText(text)) {
			return false
		}
		*to = text
		return true
	}}
}
