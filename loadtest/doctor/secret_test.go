package doctor

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// open lets everybody come to a folder of the test, which is below one of its own.
func open(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(os.TempDir()); err != nil || info.Mode().Perm()&0o001 == 0 {
		t.Skip("the folder for temporary files is not open to everybody")
	}
	return dir
}

func TestSecretFile(t *testing.T) {
	dir := open(t)
	file := put(t, dir, "keys", []byte("secret words"))
	closed := filepath.Join(dir, "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	inside := put(t, closed, "keys", []byte("secret words"))
	link, out := filepath.Join(dir, "link"), filepath.Join(closed, "out")
	for from, to := range map[string]string{link: inside, out: file} {
		if err := os.Symlink(to, from); err != nil {
			t.Fatal(err)
		}
	}
	pipe := filepath.Join(dir, "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, file string
		mode       os.FileMode
		level      Level
		found      string
	}{
		{"the owner's", file, 0o600, OK, "holds keys of the API, and is not for every user"},
		{"the group's", file, 0o660, OK, "not for every user"},
		{"everybody's to read", file, 0o604, Warn, "every user of this machine may read it, and it holds keys of the API"},
		{"everybody's to change", file, 0o666, Warn, "every user of this machine may change it"},
		{"in a closed folder", inside, 0o644, OK, "not for every user"},
		{"a link into a closed folder", link, 0o644, OK, "not for every user"},
		{"a link out of a closed folder", out, 0o644, Warn, "may read it"},
		{"not there", filepath.Join(dir, "none"), 0, Fail, "no such file"},
		{"a folder", dir, 0o755, Fail, "not a file"},
		{"a pipe without end", pipe, 0o600, Fail, "not a file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.mode != 0 {
				if err := os.Chmod(test.file, test.mode); err != nil {
					t.Fatal(err)
				}
			}
			c := SecretFile("api-keys", test.file, "keys of the API")
			sane(t, []Check{c})
			if c.Name != "api-keys" || c.Level != test.level || !strings.Contains(c.Found, test.found) {
				t.Errorf("found %v %+v\n want %+v", c.Level, c, test)
			}
			if strings.Contains(c.Found+c.Advice, "secret words") {
				t.Errorf("the secret is told: %+v", c)
			}
		})
	}
}

func TestIsSecret(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]bool{
		string(keyPEM(t, issue(t, nil, x509.Certificate{}))):            true,
		"-----BEGIN PUBLIC KEY-----\n":                                  false,
		"-----BEGIN CERTIFICATE-----\n":                                 false,
		"-----BEGIN CERTIFICATE-----\n-----BEGIN EC PRIVATE KEY-----\n": true,
		`{"keys":[{"kty":"EC","x":"a"}]}`:                               false,
		`{"keys":[{"kty":"EC","x":"a"},{"kty":"oct","k":"b"}]}`:         true,
		`{"kty":"OKP","x":"a","d":"b"}`:                                 true,
		"thirty-two bytes of a shared word":                             true,
	} {
		if found := IsSecret(put(t, dir, "keys", []byte(text))); found != want {
			t.Errorf("%s: %v", text, found)
		}
	}
	if !IsSecret(filepath.Join(dir, "none")) {
		t.Error("what cannot be read is no secret")
	}
}
