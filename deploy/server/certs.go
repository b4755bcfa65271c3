package server

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"

	"throng/deploy/certs"
	"throng/deploy/config"
)

// openCerts gets the certificates of the public listener, which listens already: a certificate authority comes there.
func (s *Server) openCerts(settings config.Serve, public net.Addr, log *slog.Logger) (err error) {
	switch {
	case settings.TLSCert != "":
		s.certs, err = certs.Files(settings.TLSCert, settings.TLSKey, 0, log)
	case len(settings.ACMEDomain) > 0:
		order := certs.ACME{
			Domains: settings.ACMEDomain, Email: settings.ACMEEmail, CA: settings.ACMECa, Roots: settings.ACMECaRoot,
			Dir: settings.ACMEDir, Port: public.(*net.TCPAddr).Port, Log: log,
		}
		if settings.ACMEHttp != "" {
			order.HTTP, err = s.options.Handover.listen(settings.ACMEHttp, func() (net.Listener, error) { return net.Listen("tcp", settings.ACMEHttp) })
			if err != nil {
				return fmt.Errorf("ACME listener: %w", err)
			}
		}
		s.certs, err = certs.Obtain(order)
	}
	return err
}

// closeCerts ends what openCerts began.
func (s *Server) closeCerts() {
	if s.certs != nil {
		s.certs.Close()
	}
}

// tlsConfig is for the public listener; nil: plain.
func (s *Server) tlsConfig() *tls.Config {
	if s.certs == nil {
		return nil
	}
	return s.certs.Config()
}

// reloadCerts looks for new certificates.
func (s *Server) reloadCerts() error {
	if s.certs == nil {
		return nil
	}
	return s.certs.Reload()
}
