package event

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"testing"

	"pgregory.net/rapid"
)

// golden is one row of testdata/tutorial.json: what alice sends, and what is sent on, or why nothing is.
type golden struct{ Name, Frame, Sent, Error string }

func readGolden(t testing.TB) (rows []golden) {
	t.Helper()
	file, err := os.ReadFile("testdata/tutorial.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(file, &rows); err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestTutorialGolden(t *testing.T) {
	for _, row := range readGolden(t) {
		t.Run(row.Name, func(t *testing.T) {
			in, err := DecodeTutorial([]byte(row.Frame))
			if err != nil {
				if err.Message != row.Error || err.Code != http.StatusBadRequest || err.Status() != err.Code {
					t.Fatalf("error %d %q, want 400 %q", err.Code, err, row.Error)
				}
				return
			}
			if row.Error != "" {
				t.Fatalf("accepted, want %q", row.Error)
			}
			if sent := AppendTutorial(nil, "alice", in.To, in.Message); string(sent) != row.Sent {
				t.Fatalf("sent %s, want %s", sent, row.Sent)
			}
		})
	}
}

// What is decoded stays as it is when the frame's bytes are used again, as the loop does.
func TestDecodeTutorialKeepsNothingOfTheFrame(t *testing.T) {
	frame := []byte(`{"to_user":"bob","message":["hi"]}`)
	in, err := DecodeTutorial(frame)
	if err != nil {
		t.Fatal(err)
	}
	clear(frame)
	if _, err := DecodeTutorial([]byte(`{"to_user":"eve","message":["ho"]}`)); err != nil {
		t.Fatal(err)
	}
	if in.To != "bob" || string(in.Message) != `["hi"]` {
		t.Fatalf("became %q, %s", in.To, in.Message)
	}
}

// Whatever is sent can be read again, by other means, and says the same.
func TestAppendTutorialParsesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to, text := rapid.String().Draw(t, "from"), rapid.String().Draw(t, "to"), rapid.String().Draw(t, "message")
		message := AppendString([]byte(" "), text)[1:]
		frame := AppendTutorial([]byte("before"), from, to, message)
		var out struct {
			From    string          `json:"from_user"`
			To      string          `json:"to_user"`
			Message json.RawMessage `json:"message"`
		}
		if err := json.Unmarshal(frame[len("before"):], &out); err != nil {
			t.Fatalf("%s: %v", frame, err)
		}
		if out.From != from || out.To != to || string(out.Message) != string(message) {
			t.Fatalf("%s became %+v", frame, out)
		}
		var heard string
		if err := json.Unmarshal(out.Message, &heard); err != nil || heard != text {
			t.Fatalf("%q became %q, %v", text, heard, err)
		}
		in, bad := DecodeTutorial(frame[len("before"):])
		if bad != nil || in.To != to || string(in.Message) != string(message) {
			t.Fatalf("%s: decoded as %q, %s, %v", frame, in.To, in.Message, bad)
		}
	})
}

// Invalid UTF-8 cannot come over a socket, but a reason may quote anything.
func TestAppendStringMendsUTF8(t *testing.T) {
	const want = "\"a\ufffdb\ufffd\ufffd\""
	if got := string(AppendString(nil, "a\xffb\xe2\x82")); got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func ExampleAppendTutorial() {
	fmt.Printf("%s\n", AppendTutorial(nil, "alice", "", []byte(`"hi"`)))
	fmt.Printf("%s\n", AppendTutorial(nil, System, "alice", AppendString(nil, "bob is not here")))
	// Output:
	// {"from_user":"alice","to_user":"","message":"hi"}
	// {"from_user":"system","to_user":"alice","message":"bob is not here"}
}
