package accept

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"throng/loadtest/process"
)

// proxy is one of Debian's, with the file of deploy/proxy that this repository ships. The test alone uses it.
type proxy struct {
	t      *testing.T
	plain  string // where it takes http and ws
	secret string // where it takes https and wss, and ends TLS
	passed string // where it passes TLS on
	trust  *tls.Config
}

// proxyKind is a file of deploy/proxy and what runs it.
type proxyKind struct {
	name    string
	program string
	file    string
	needs   string   // a file that must be there too; "": none
	args    []string // of the program, behind which the file comes
	node    []string // what the servers are told
}

// nobody is the user that proxies run as where the test is root.
const nobody = 65534

var (
	nginx = proxyKind{
		name: "nginx", program: "nginx", file: "nginx.conf", args: []string{"-g", "daemon off; master_process off;", "-c"},
		node: []string{"--trust-proxy", "127.0.0.1"},
	}
	nginxStream = proxyKind{
		name: "nginx, TLS passed on", program: "nginx", file: "nginx-stream.conf", args: []string{"-g", "daemon off; master_process off;", "-c"},
		needs: "/usr/lib/nginx/modules/ngx_stream_module.so",
		node:  []string{"--trust-proxy", "127.0.0.1", "--proxy-protocol", "on"},
	}
	haproxy = proxyKind{
		name: "haproxy", program: "haproxy", file: "haproxy.cfg", args: []string{"-db", "-f"},
		node: []string{"--trust-proxy", "127.0.0.1", "--proxy-protocol", "on"},
	}
)

// find skips the test where the proxy is not installed.
func (k proxyKind) find(t *testing.T) (program string) {
	t.Helper()
	program, err := exec.LookPath(k.program)
	if err != nil { // not everybody has it in the path
		program = "/usr/sbin/" + k.program
	}
	for _, file := range []string{program, k.needs} {
		if _, err := os.Stat(file); file != "" && err != nil {
			t.Skipf("%s is not installed, so deploy/proxy/%s is not tested", file, k.file)
		}
	}
	return program
}

// start runs the proxy, in one process that leaves none behind, before two nodes, which may be the same one. More are further replacements in its file, in turn what stands there and
// what is to.
func (k proxyKind) start(t *testing.T, a, b *node, more ...string) *proxy {
	t.Helper()
	program := k.find(t)
	dir := proxyDir(t)
	p := &proxy{t: t, plain: freePort(t), secret: freePort(t), passed: freePort(t)}
	if k.file == nginxStream.file {
		p.passed = p.secret
	}
	p.trust = selfSigned(t, dir)
	text := fillIn(t, k.file, append(k.places(p, dir, a, b), more...))
	file := filepath.Join(dir, k.file)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	said, err := os.Create(filepath.Join(dir, "said"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { said.Close() })
	cmd := process.Command(context.Background(), program, append(k.args, file)...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = said, said, dir
	if os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		if t.Failed() {
			words, _ := os.ReadFile(said.Name())
			t.Logf("%s said:\n%s", k.name, words)
		}
	})
	p.await(ended)
	return p
}

// places are what is replaced in the file of a proxy, in turn what stands there and what is to.
func (k proxyKind) places(p *proxy, dir string, a, b *node) []string {
	switch k.file {
	case nginx.file, nginxStream.file:
		list := []string{
			"user www-data;", "", "worker_rlimit_nofile 1048576;", "", "worker_processes auto;", "worker_processes 2;",
			"262144;", "4096;", "/run/nginx.pid", dir + "/pid", "/var/log/nginx/error.log", "stderr",
		}
		if k.file == nginxStream.file {
			return append(list, "listen 443 ", "listen "+p.secret+" ", "10.0.0.1:8443", a.addr, "10.0.0.2:8443", b.addr)
		}
		scratch := "http {\n"
		for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
			scratch += fmt.Sprintf("%s_temp_path %s/%s;\n", kind, dir, kind)
		}
		return append(list, "http {\n", scratch, "/var/log/nginx/access.log", dir+"/access", "listen 80 ", "listen "+p.plain+" ",
			"listen 443 ", "listen "+p.secret+" ", "/etc/nginx/throng", dir+"/throng", "10.0.0.1:8888", a.addr, "10.0.0.2:8888", b.addr)
	default:
		at := func(n *node) (string, string) {
			_, port, _ := net.SplitHostPort(n.Admin)
			return n.addr, " check port " + port
		}
		a1, a2 := at(a)
		b1, b2 := at(b)
		return []string{
			"user haproxy", "", "group haproxy", "", "maxconn 100000", "maxconn 2000", "log /dev/log local0 notice", "log stderr format raw local0",
			"bind :80\n", "bind " + p.plain + "\n", "bind :443 ", "bind " + p.secret + " ", "bind :8443\n", "bind " + p.passed + "\n",
			"/etc/haproxy/throng.pem", dir + "/throng.pem", "10.0.0.1:8888 check port 8889", a1 + a2, "10.0.0.2:8888 check port 8889", b1 + b2,
			"10.0.0.1:8443 check port 8889", a1 + a2, "10.0.0.2:8443 check port 8889", b1 + b2,
		}
	}
}

// fillIn is a file of deploy/proxy with these places filled. Each must be there.
func fillIn(t *testing.T, file string, places []string) string {
	t.Helper()
	raw, err := os.ReadFile("../../deploy/proxy/" + file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(places); i += 2 {
		if !strings.Contains(string(raw), places[i]) {
			t.Fatalf("deploy/proxy/%s has no %q", file, places[i])
		}
	}
	return strings.NewReplacer(places...).Replace(string(raw))
}

// proxyDir is a folder that the proxy may write to.
func proxyDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "throng-proxy")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if os.Getuid() == 0 {
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// await waits until the proxy answers.
func (p *proxy) await(ended <-chan struct{}) {
	p.t.Helper()
	for until := time.Now().Add(patience); time.Now().Before(until); {
		if conn, err := net.Dial("tcp", p.secret); err == nil {
			conn.Close()
			return
		}
		select {
		case <-ended:
			p.t.Fatal("the proxy ended at once")
		case <-time.After(20 * time.Millisecond):
		}
	}
	p.t.Fatal("the proxy does not listen")
}

// selfSigned writes a certificate for the name throng and its key as throng.crt, throng.key and, both in one, throng.pem.
func selfSigned(t *testing.T, dir string) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "throng"}, DNSNames: []string{"throng"}, IsCA: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	crt := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	pk := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	for name, text := range map[string][]byte{"throng.crt": crt, "throng.key": pk, "throng.pem": append(crt, pk...)} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(crt)
	return &tls.Config{RootCAs: pool, ServerName: "throng", NextProtos: []string{"http/1.1"}}
}

// dial connects to the proxy from an address of this machine.
func (p *proxy) dial(scheme, source string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
	if scheme == "wss" || scheme == "https" {
		return tls.DialWithDialer(dialer, "tcp", p.secret, p.trust)
	}
	return dialer.Dial("tcp", p.plain)
}

// call asks for a WebSocket through the proxy. Without an upgrade the person is nil.
func (p *proxy) call(scheme, source, path, headers string) (*person, *http.Response) {
	p.t.Helper()
	conn, err := p.dial(scheme, source)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	in := bufio.NewReader(conn)
	_, err = fmt.Fprintf(conn, opening, path, headers)
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		return nil, answer
	}
	return &person{t: p.t, conn: conn, in: in}, answer
}

// enter is call where somebody must come in.
func (p *proxy) enter(scheme, source, path, headers string) *person {
	p.t.Helper()
	who, answer := p.call(scheme, source, path, headers)
	if who == nil {
		p.t.Fatalf("%s to %s through the proxy: %s", scheme, path, answer.Status)
	}
	return who
}
