package web_test

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// The models of the client touch no page, so Node runs their tests as they are.
func TestModulesInNode(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		absent(t, "Node.js 20 or later", "apt-get install nodejs")
	}
	tests, err := filepath.Glob("test/*.test.mjs")
	if err != nil || len(tests) == 0 {
		t.Fatalf("no tests in test/ (%v)", err)
	}
	output, err := exec.CommandContext(t.Context(), node, append([]string{"--test"}, tests...)...).CombinedOutput()
	if err != nil {
		t.Errorf("node --test: %v\n%s", err, output)
	}
}
