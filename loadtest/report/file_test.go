package report

import (
	"bytes"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestJSONRoundTrip(t *testing.T) {
	for _, r := range []*Result{rich(), cut(), {Format: Format}} {
		file := filepath.Join(t.TempDir(), "result.json")
		f, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := WriteJSON(f, r); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		got, err := Read(file)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, r) {
			t.Errorf("came back as %+v", got)
		}
	}
}

func TestWriteJSONSetsTheFormat(t *testing.T) {
	r := &Result{}
	var b bytes.Buffer
	if err := WriteJSON(&b, r); err != nil {
		t.Fatal(err)
	}
	if got, err := read(&b); err != nil || got.Format != Format || r.Format != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	r.Seconds = math.NaN()
	if err := WriteJSON(&b, r); err == nil {
		t.Error("wrote a number that is none")
	}
}

func TestReadRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "not a result"},
		{"no JSON", "hello", "not a result, at byte 1"},
		{"cut", `{"format":1,"seconds":`, "not a result, at byte"},
		{"other JSON", `{"users":1}`, `no "format"`},
		{"a list", `[]`, "not a result, at byte 1"},
		{"newer", `{"format":2,"seconds":"new"}`, "format 2; this program reads format 1"},
		{"wrong kind", `{"format":1,"seconds":"ten"}`, "not a result, at byte"},
		{"more behind", `{"format":1} {}`, "not a result, at byte 14"},
	} {
		file := filepath.Join(t.TempDir(), "result.json")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Read(file)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), file+": ") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "absent.json")); err == nil || !strings.Contains(err.Error(), "absent.json") {
		t.Errorf("absent: %v", err)
	}
	if _, err := read(io.MultiReader(strings.NewReader(`{"format":1}`), endless{})); err == nil || !strings.Contains(err.Error(), "larger than 64 MiB") {
		t.Errorf("endless: %v", err)
	}
}

// endless is a file of spaces.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// Whatever is read can be shown in every form and written again.
func FuzzRead(f *testing.F) {
	for _, r := range []*Result{cut(), {}} {
		var b bytes.Buffer
		if err := WriteJSON(&b, r); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Add([]byte(`{"format":1,"series":[{"at":-1e300,"p99":{"ack":1e308}},{"at":1}],"phases":[{"from":5,"to":1}],"slos":[{}]}`))
	f.Add([]byte(`{"format":1,"latency":{"ack":{"count":-5,"curve":[[2,-1],[-3,1e-320]]}},"capacity":{"knee":1e300,"steps":[{"rate":-1,"p99":{"ack":1}}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := read(bytes.NewReader(data))
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than a line: %q", err)
			}
			return
		}
		var page bytes.Buffer
		for _, err := range []error{WriteText(io.Discard, r), WriteHTML(&page, r), WriteJSON(io.Discard, r), WriteComparison(io.Discard, Compare(r, r))} {
			if err != nil {
				t.Error(err)
			}
		}
		for _, no := range []string{"ZgotmplZ", `="NaN`, `="+Inf`, `="-Inf`} {
			if bytes.Contains(page.Bytes(), []byte(no)) && !bytes.Contains(data, []byte(no[2:])) {
				t.Errorf("the page holds %s", no)
			}
		}
	})
}
