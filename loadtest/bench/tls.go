package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// tls measures what TLS costs: the memory of a waiting connection, and the CPU time of a delivery beside one that is plain. Server
// and client are as in idle and broadcast.
func (b *bench) tls(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "throng-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	flags, err := selfSigned(dir)
	if err != nil {
		return err
	}
	users := 5_000 / b.scale
	var secure, plain []float64
	for range b.rounds {
		for _, turn := range []struct {
			flags []string
			each  *[]float64
		}{{flags, &secure}, {nil, &plain}} {
			s, err := b.ours(ctx, true, turn.flags...)
			if err != nil {
				return err
			}
			h, err := s.hold(ctx, job{Users: users, TLS: turn.flags != nil})
			if err != nil {
				return err
			}
			*turn.each = append(*turn.each, h.each)
		}
	}
	b.table.add(row{
		what: "Idle over TLS, " + number(users) + " sockets: resident memory a connection", unit: "B", against: "plain",
		ours: secure, reference: plain, limit: atMost(10 << 10),
	})
	return b.tlsBroadcast(ctx, users, flags)
}

func (b *bench) tlsBroadcast(ctx context.Context, users int, flags []string) error {
	secure, err := b.ours(ctx, false, flags...)
	if err != nil {
		return err
	}
	defer secure.close()
	plain, err := b.ours(ctx, false)
	if err != nil {
		return err
	}
	defer plain.close()
	if _, err := secure.do(job{Do: "connect", Users: users, TLS: true}); err != nil {
		return err
	}
	if _, err := plain.do(job{Do: "connect", Users: users}); err != nil {
		return err
	}
	r, err := b.turns([]turn{{secure, job{Do: "broadcast", Count: 20}}, {plain, job{Do: "broadcast", Count: 20}}})
	if err != nil {
		return err
	}
	b.table.add(row{
		what: "Broadcast over TLS to " + number(users) + " sockets: CPU a delivery", unit: "µs", against: "plain",
		ours: of(r[0], result.serverEach), reference: of(r[1], result.serverEach),
	})
	return nil
}

// selfSigned makes a certificate that nobody trusts, and the flags by which a server uses it.
func selfSigned(dir string) (flags []string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	certPath, keyPath := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write := func(path, kind string, der []byte) error {
		return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
	}
	err = errors.Join(write(certPath, "CERTIFICATE", cert), write(keyPath, "PRIVATE KEY", secret))
	return []string{"--tls-cert", certPath, "--tls-key", keyPath}, err
}
