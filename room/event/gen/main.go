// Command gen writes the protocol's numbers as an ES module for the browser:
//
//	go run ./room/event/gen FILE
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"throng/room/event" //nolint:depguard // a program that prints what the leaf beside it knows
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gen FILE")
		os.Exit(2)
	}
	if err := os.WriteFile(os.Args[1], module(), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

const head = `// @ts-check
// Made by room/event/gen from the server's own tables ("go generate ./room/event"). Not to be edited.

/**
 * A number of the protocol.
 * @typedef {object} Code
 * @property {string} name
 * @property {string} meaning in English, for developers
 * @property {boolean} again close codes: connect again without being asked; error codes: the same again may succeed later
 */

/** The subprotocol to offer. */
export const SUBPROTOCOL = %q;

/** Limits that every server has; the others come with the welcome. */
export const LIMITS = Object.freeze({
  maxBatch: %d, // objects in one frame
  maxCid: %d, // bytes of UTF-8
  maxPage: %d, // messages or users in one answer
  maxPositions: %d, // conversations in one hello
  maxDepth: %d, // levels of arrays and objects in one frame
});
`

const tail = `
/**
 * Whether to connect again without being asked after a close code, one that is not in the table included. After 4000 to
 * 4499 wait for retry_after_ms first; always wait a random time.
 * @param {number} code
 */
export function reconnects(code) {
  return code < 4500 || code > 4999;
}
`

// module is the text of the file.
func module() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, head, event.V2, event.MaxBatch, event.MaxCid, event.MaxPage, event.MaxPositions, event.MaxDepth)
	writeCodes(&b, "CLOSE", "CLOSE_CODES", "Close codes", event.CloseCodes())
	writeCodes(&b, "ERR", "ERR_CODES", "Codes of err", event.ErrorCodes())
	b.WriteString(tail)
	return b.Bytes()
}

// writeCodes writes a table twice: the numbers by name, and all of it by number.
func writeCodes(b *bytes.Buffer, names, table, title string, codes []event.Code) {
	fmt.Fprintf(b, "\n/** %s by name. */\nexport const %s = Object.freeze({\n", title, names)
	for _, c := range codes {
		fmt.Fprintf(b, "  %s: %d,\n", c.Name, c.Number)
	}
	fmt.Fprintf(b, "});\n\n/**\n * %s by number.\n * @type {ReadonlyMap<number, Code>}\n */\n", title)
	fmt.Fprintf(b, "export const %s = new Map([\n", table)
	for _, c := range codes {
		fmt.Fprintf(b, "  [%d, { name: %s, meaning: %s, again: %t }],\n", c.Number, quote(c.Name), quote(c.Meaning), c.Again)
	}
	b.WriteString("]);\n")
}

// quote is a string literal of JavaScript.
func quote(s string) []byte {
	text, _ := json.Marshal(s) // a string always has one
	return text
}
