package command

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDoctorFiles has the doctor look at what a server's file names.
func TestDoctorFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	public := write("public.pem", "-----BEGIN PUBLIC KEY-----\n")
	file := write("throng.toml", `data = "mem"
api-key = "a secret word"
api-keys = "`+write("api-keys.toml", "")+`"
auth = "jwt"
jwt-key = "`+write("jwt-key", "thirty-two bytes of a shared word")+`"
tls-cert = "`+filepath.Join(dir, "none.pem")+`"
tls-key = "`+write("key.pem", "")+`"
`)
	look := func(args ...string) (code int, out string) {
		var stdout, stderr bytes.Buffer
		code = Doctor(t.Context(), append(args, "--config", file), nil, &stdout, &stderr)
		if stderr.Len() > 0 {
			t.Errorf("complains: %s", &stderr)
		}
		return code, stdout.String()
	}
	code, out := look()
	if code != Failed {
		t.Errorf("code %d though there is no certificate", code)
	}
	for _, want := range []string{"✓ data-folder ", "✗ tls-cert ", "✓ tls-key ", "✓ config ", "holds api-key,", "✓ jwt-key ", "✓ api-keys "} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if strings.Contains(out, "a secret word") || strings.Contains(out, "a shared word") {
		t.Errorf("a secret is told:\n%s", out)
	}
	if _, out = look("--jwt-key", public, "--max-memory", "3GiB"); strings.Contains(out, " jwt-key ") || !strings.Contains(out, "3.0 GiB for the program") {
		t.Errorf("public keys are no secret, and 3 GiB are told:\n%s", out)
	}
}
