package doctor

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

const (
	soonEnds    = 30 * 24 * time.Hour // before the end of a certificate; or a third of its life, when that is less
	maxKeyFile  = 1 << 20             // bytes that are read of a file of keys
	namesToTell = 3                   // of a certificate
)

// KeyPair says whether a certificate and its key, PEM files as "throng serve" is given them, can be used, until when, and whether
// browsers will trust them. What it finds is about the certificate; the key file's permissions are for [SecretFile].
func KeyPair(certFile, keyFile string) Check {
	return keyPair(certFile, keyFile, nil, time.Now())
}

// keyPair is KeyPair at a time, and for who trusts these roots; nil: those of the system.
func keyPair(certFile, keyFile string, roots *x509.CertPool, now time.Time) Check {
	c := Check{Name: "tls-cert", Level: Fail}
	cert, err := readKeyFile(certFile)
	if err != nil {
		return c.keyFileFailed(certFile, err)
	}
	key, err := readKeyFile(keyFile)
	if err != nil {
		return c.keyFileFailed(keyFile, err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		c.Found = certFile + " and " + keyFile + ": " + clean(err.Error())
		c.Advice = fmt.Sprintf("openssl x509 -noout -pubkey -in %s; openssl pkey -pubout -in %s   # both must print the same",
			quoted(certFile), quoted(keyFile))
		return c
	}
	chain, err := certificates(cert)
	if err != nil {
		c.Found = certFile + ": " + clean(err.Error())
		c.Advice = "openssl x509 -noout -text -in " + quoted(certFile)
		return c
	}
	c.Level = OK
	c.Found = fmt.Sprintf("%s: for %s, until %s", certFile, names(pair.Leaf), pair.Leaf.NotAfter.UTC().Format(time.DateOnly))
	c.judgeTime(pair.Leaf, now)
	if c.Level < Fail {
		c.judgeChain(certFile, chain, roots, now)
	}
	return c
}

// judgeTime says whether a certificate is good now, and for how long.
func (c *Check) judgeTime(leaf *x509.Certificate, now time.Time) {
	soon := min(soonEnds, leaf.NotAfter.Sub(leaf.NotBefore)/3)
	left := leaf.NotAfter.Sub(now)
	switch {
	case now.Before(leaf.NotBefore):
		c.worse(Fail, "; not good before "+leaf.NotBefore.UTC().Format(time.DateTime)+" UTC",
			"timedatectl   # is the clock of this machine right?")
	case left < 0:
		c.worse(Fail, ", which is over", "certbot renew   # or whatever renews it; throng takes it without a restart")
	case left < soon:
		c.worse(Warn, fmt.Sprintf(", in %s", plural(int(left/(24*time.Hour)), "day")),
			"certbot renew   # or whatever renews it; throng takes it without a restart")
	}
}

// judgeChain says whether the first of the certificates leads to one that is trusted, by way of the others.
func (c *Check) judgeChain(file string, chain []*x509.Certificate, roots *x509.CertPool, now time.Time) {
	for i, cert := range chain[1:] {
		if chain[i].CheckSignatureFrom(cert) != nil {
			c.worse(Warn, fmt.Sprintf("; certificate %d of the file does not vouch for the one before it", i+2),
				"# the file must have the server's certificate first, then each that vouches for the one before (fullchain.pem)")
			return
		}
	}
	between := x509.NewCertPool()
	for _, cert := range chain[1:] {
		between.AddCert(cert)
	}
	leaf := chain[0]
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now})
	var unknown x509.UnknownAuthorityError
	switch {
	case err == nil && len(leaf.DNSNames)+len(leaf.IPAddresses) == 0:
		c.worse(Warn, ", which browsers refuse", "# get a certificate with the names of the server in it (subjectAltName)")
	case err == nil:
	case bytes.Equal(leaf.RawIssuer, leaf.RawSubject):
		c.worse(Warn, "; it vouches for itself: browsers refuse it unless they are told", "throng --acme-domain chat.example.com   # gets one that all trust")
	case errors.As(err, &unknown):
		c.worse(Warn, fmt.Sprintf("; %s, which vouches for the last of %s in it, is not trusted on this machine",
			clean(chain[len(chain)-1].Issuer.String()), plural(len(chain), "certificate")),
			"# the file must have the whole chain: fullchain.pem, not cert.pem; an authority of your own goes to /usr/local/share/ca-certificates/")
	default:
		c.worse(Warn, "; "+clean(err.Error()), "openssl verify -untrusted "+quoted(file)+" "+quoted(file))
	}
}

// worse adds a finding to the check, whose level it raises.
func (c *Check) worse(to Level, found, advice string) {
	c.Level = max(c.Level, to)
	c.Found += found
	c.Advice = lines(c.Advice, advice)
}

// names are a few of those that a certificate is for.
func names(leaf *x509.Certificate) string {
	var all []string
	for _, name := range leaf.DNSNames {
		all = append(all, clean(name))
	}
	for _, ip := range leaf.IPAddresses {
		all = append(all, ip.String())
	}
	switch {
	case len(all) == 0:
		return "no name"
	case len(all) > namesToTell:
		return fmt.Sprintf("%s and %d more", strings.Join(all[:namesToTell], ", "), len(all)-namesToTell)
	}
	return strings.Join(all, ", ")
}

// certificates are those of a PEM file, in its order; at least one.
func certificates(text []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(all)+1, err)
		}
		all = append(all, cert)
	}
	if len(all) == 0 {
		return nil, errors.New("no certificate in it")
	}
	return all, nil
}

// keyFileFailed fills in the check of a file that cannot be read.
func (c Check) keyFileFailed(file string, err error) Check {
	c.Level, c.Found = Fail, clean(err.Error())
	c.Advice = "ls -lL " + quoted(file) + "   # the user that serves must be able to read it"
	if errors.Is(err, os.ErrPermission) {
		c.Advice = grant(file)
	}
	return c
}
