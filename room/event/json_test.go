package event

import (
	"bytes"
	"encoding/json"
	"regexp"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// The decoder is compared with encoding/json, which knows the grammar and none of our own rules: those stand here a
// second time, in the plainest form.

// isStrict reports whether frame is JSON that also keeps our rules.
func isStrict(frame []byte) bool {
	return json.Valid(frame) && utf8.Valid(frame) && depth(frame) <= MaxDepth && hasUniqueKeys(frame) && hasWholeKeys(frame)
}

var (
	aString = regexp.MustCompile(`(?s)("(?:[^"\\]|\\.)*")(\s*:)?`)
	aWhole  = regexp.MustCompile(`(?i)\\u(d[89ab]..\\ud[c-f]..|[0-9a-ce-f]...|d[0-7]..)|\\[^u]`)
)

// isWhole reports whether no string of valid JSON has half a surrogate pair.
func isWhole(text []byte) bool { return !bytes.Contains(aWhole.ReplaceAll(text, nil), []byte(`\u`)) }

// hasWholeKeys reports whether no key of valid JSON has half a surrogate pair.
func hasWholeKeys(frame []byte) bool {
	for _, found := range aString.FindAllSubmatch(frame, -1) {
		if len(found[2]) > 0 && !isWhole(found[1]) {
			return false
		}
	}
	return true
}

// depth is how many levels of valid JSON there are.
func depth(frame []byte) int {
	level, deepest := 0, 0
	for d := json.NewDecoder(bytes.NewReader(frame)); ; {
		token, err := d.Token()
		if err != nil {
			return deepest
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			level++
			deepest = max(deepest, level)
		case json.Delim('}'), json.Delim(']'):
			level--
		}
	}
}

// hasUniqueKeys reports whether no object of valid JSON has the same key twice.
func hasUniqueKeys(frame []byte) bool {
	var object map[string]json.RawMessage
	var array []json.RawMessage
	switch {
	case json.Unmarshal(frame, &object) == nil:
		for _, v := range object {
			if !hasUniqueKeys(v) {
				return false
			}
		}
		return len(object) == countKeys(frame)
	case json.Unmarshal(frame, &array) == nil:
		for _, v := range array {
			if !hasUniqueKeys(v) {
				return false
			}
		}
	}
	return true
}

// countKeys counts the members of one object, doubles included.
func countKeys(object []byte) (n int) {
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return 0 // null
	}
	var skipped json.RawMessage
	for ; d.More(); n++ {
		if _, err := d.Token(); err != nil || d.Decode(&skipped) != nil {
			return -1
		}
	}
	return n
}

// checkAgainstJSON is what must hold of every frame.
func checkAgainstJSON(t interface{ Fatalf(string, ...any) }, frame []byte) {
	kept := bytes.Clone(frame)
	in, bad := DecodeTutorial(frame)
	if !bytes.Equal(frame, kept) {
		t.Fatalf("%q was changed to %q", kept, frame)
	}
	var object map[string]json.RawMessage
	isObject := json.Unmarshal(frame, &object) == nil && object != nil
	to, isGood := recipient(object)
	if want := isStrict(frame) && isObject && isGood && object["message"] != nil; (bad == nil) != want {
		t.Fatalf("%q: error %v, but good is %v", frame, bad, want)
	}
	if bad != nil {
		return
	}
	if in.To != to || !bytes.Equal(in.Message, object["message"]) {
		t.Fatalf("%q became %q, %q", frame, in.To, in.Message)
	}
	if sent := AppendTutorial(nil, "alice", in.To, in.Message); !isStrict(sent) {
		t.Fatalf("%q was sent as %q", frame, sent)
	}
}

// recipient is to_user, and whether it may stand there.
func recipient(object map[string]json.RawMessage) (to string, isGood bool) {
	value, ok := object["to_user"]
	return to, !ok || json.Unmarshal(value, &to) == nil && isWhole(value)
}

func FuzzDecodeTutorial(f *testing.F) {
	for _, row := range readGolden(f) {
		f.Add([]byte(row.Frame))
	}
	f.Add([]byte(`{"message":"\ud83e"}`))
	f.Add([]byte("{\"message\":\"\xff\"}"))
	f.Add([]byte(`{"message":{"\ud83e":1,"\ud83d":2}}`))
	f.Fuzz(func(t *testing.T, frame []byte) { checkAgainstJSON(t, frame) })
}

// Frames that are nearly good: made of the dialect's own pieces.
func TestDecodeTutorialOfPieces(t *testing.T) {
	piece := rapid.SampledFrom([]string{
		"{", "}", "[", "]", ",", ":", " ", "\n", `"message"`, `"to_user"`, `"from_user"`, `"\u006dessage"`, `"message":`, `"to_user":`,
		`"bob"`, `""`, "null", "true", "0.10", "1e400", "-", `"\ud83e"`, `"\ud83e\udd8a"`, `"\\ud83e"`, "\xff", `"`, `\`, `{"message":1`,
		`{"a":1,"a":2}`, `{"\ud83e":1}`, `{"a":["\ud83e"]}`, `{"message":[`, `]}`,
	})
	rapid.Check(t, func(t *rapid.T) {
		var frame []byte
		for _, p := range rapid.SliceOfN(piece, 0, 12).Draw(t, "pieces") {
			frame = append(frame, p...)
		}
		checkAgainstJSON(t, frame)
	})
}

// Nesting is counted before anything is parsed; it must come to what a parser counts.
func TestTooDeep(t *testing.T) {
	brackets := rapid.SampledFrom([]string{"[", "{\"a\":", "[1,", `["]",`, `{"\"{":[],"b":`, `["\\",[[]],`})
	rapid.Check(t, func(t *rapid.T) {
		var frame, closing []byte
		for _, b := range rapid.SliceOfN(brackets, 0, 2*MaxDepth).Draw(t, "levels") {
			frame = append(frame, b...)
			closing = append(closing, b[0]+2) // ']' and '}' stand two behind '[' and '{'
		}
		frame = append(frame, '1')
		for i := range closing {
			frame = append(frame, closing[len(closing)-1-i])
		}
		if got, want := tooDeep(frame), depth(frame) > MaxDepth; got != want {
			t.Fatalf("%s: too deep is %v, with %d levels", frame, got, depth(frame))
		}
	})
}
