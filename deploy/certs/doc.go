// Package certs has a server's certificates and keeps them fresh while it runs: from two PEM files that somebody else renews
// (files.go), or from a certificate authority that speaks ACME, by certmagic (acme.go). It knows no server: it gives a
// *tls.Config, whose connections get whatever certificate is good when they come.
//
//	files.go  PEM files, read again when they change
//	acme.go   ACME (RFC 8555), with the challenge of RFC 8737 on the server's own port and, if wanted, that of HTTP
//	zap.go    certmagic's log lines in ours
package certs

import "crypto/tls"

// Keeper keeps certificates fresh until Close. Its methods may be called from any goroutine, but for Close, which is called once.
type Keeper interface {
	// Config is for the server's listener. The certificates change, it does not.
	Config() *tls.Config
	// Reload looks for newer certificates now, where they are not looked for all the time. By an error nothing has changed.
	Reload() error
	// Close ends the looking and waits until it has. Connections keep the certificates that they have.
	Close()
}
