package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"

	"throng/room/event"
)

// committed is where the page has the module.
const committed = "../../../web/client/js/codes.gen.js"

// The page must have the numbers that the server has.
func TestCommittedFile(t *testing.T) {
	file, err := os.ReadFile(committed)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the page has no such module")
	}
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(file, module()) {
		t.Fatal("the file is old; run: go generate ./room/event")
	}
}

// What the module exports, asked in JavaScript, is what the tables say.
func TestModuleInNode(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("Node.js is not here")
	}
	path := filepath.Join(t.TempDir(), "codes.mjs")
	const ask = `
console.log(JSON.stringify({
  close: [...CLOSE_CODES].map(([number, c]) => ({ number, ...c })),
  err: [...ERR_CODES].map(([number, c]) => ({ number, ...c })),
  byName: [CLOSE.inUse, ERR.slowDown, LIMITS.maxBatch],
  disagree: [...CLOSE_CODES].filter(([n, c]) => c.again !== reconnects(n)),
  subprotocol: SUBPROTOCOL,
}));`
	if err := os.WriteFile(path, append(module(), ask...), 0o600); err != nil {
		t.Fatal(err)
	}
	said, err := exec.CommandContext(t.Context(), node, path).Output()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Close, Err, Disagree []event.Code
		ByName               []int
		Subprotocol          string
	}
	if err := json.Unmarshal(said, &got); err != nil {
		t.Fatalf("%s: %v", said, err)
	}
	if !reflect.DeepEqual(got.Close, event.CloseCodes()) || !reflect.DeepEqual(got.Err, event.ErrorCodes()) {
		t.Errorf("tables: %s", said)
	}
	if !reflect.DeepEqual(got.ByName, []int{4509, 429, 256}) || len(got.Disagree) != 0 || got.Subprotocol != event.V2 {
		t.Errorf("the rest: %s", said)
	}
}
