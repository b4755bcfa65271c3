package event

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// protocolSection is what the README says of the protocol.
func protocolSection(t *testing.T) string {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(readme), "\n## The protocol\n")
	if !found {
		t.Fatal("README has no reference of the protocol")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	return section
}

// TestReadmeNames has the README's reference name all that there is: whoever writes a client has nothing else to read.
func TestReadmeNames(t *testing.T) {
	section := protocolSection(t)
	want := map[string]bool{V2: strings.Contains(section, "`"+V2+"`")}
	name := func(word string) {
		want[word] = regexp.MustCompile("\\| (?:`\\w+`, )*`" + word + "`").MatchString(section)
	} // in a table
	for _, sent := range typeNames[TypeUnknown+1:] {
		name(sent)
	}
	for _, row := range readV2Golden(t).Out {
		answer := object(t, row.Text)
		name(answer["t"].(string))
		for key := range answer {
			want[key] = regexp.MustCompile("[`\"]" + key + "[`\"]").MatchString(section)
		}
	}
	for _, code := range append(CloseCodes(), ErrorCodes()...) {
		want[fmt.Sprint(code.Number)] = regexp.MustCompile(fmt.Sprintf(`(?m)^\|[ \d,]*\b%d\b`, code.Number)).MatchString(section)
	}
	for what, limit := range map[string]int{
		"objects a frame": MaxBatch, "levels of JSON": MaxDepth, "bytes of `id`": MaxID, "bytes of `cid`": MaxCid, "bytes of `token`": MaxToken,
		"positions a hello": MaxPositions, "messages or users a page, `history_limit`": MaxPage, "bytes of `reason`": MaxReason, "bytes of `text`": MaxMotd,
	} {
		row := fmt.Sprintf("| %s | %d |", what, limit)
		want[row] = strings.Contains(section, row)
	}
	for what, isThere := range want {
		if !isThere {
			t.Errorf("README does not name %s", what)
		}
	}
}

// TestReadmeExample has the README's example be understood, and answered with keys that are the server's.
func TestReadmeExample(t *testing.T) {
	known := map[string]bool{}
	for _, row := range readV2Golden(t).Out {
		for key := range object(t, row.Text) {
			known[key] = true
		}
	}
	count := 0
	for _, found := range regexp.MustCompile(`(?m)^    (→|←) (.*(?:\n       .*)*)`).FindAllStringSubmatch(protocolSection(t), -1) {
		count++
		if found[1] == "←" {
			for key := range object(t, found[2]) {
				if !known[key] {
					t.Errorf("no object of the server has %s: %s", key, found[2])
				}
			}
			continue
		}
		EachV2([]byte(found[2]), func(_ In, bad *Error) {
			if bad != nil {
				t.Errorf("%s: %v", found[2], bad)
			}
		})
	}
	if count < 5 {
		t.Errorf("%d objects", count)
	}
}

// object reads a JSON object.
func object(t *testing.T, text string) (o map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return o
}
