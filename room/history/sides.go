package history

import (
	"fmt"
	"strconv"
	"strings"
)

// hex is a claim as it stands in names of direct conversations.
func hex(claim uint64) string { return fmt.Sprintf("%016x", claim) }

// claimsOf are the two claims of a direct conversation, which may be the same, by its name: d/, one of them, / and the other. ok is
// false for any other name.
func claimsOf(conv string) (claims [2]uint64, ok bool) {
	parts := strings.Split(conv, "/")
	if len(parts) != 3 || parts[0] != "d" {
		return claims, false
	}
	for i, part := range parts[1:] {
		claim, err := strconv.ParseUint(part, 16, 64)
		if err != nil {
			return claims, false
		}
		claims[i] = claim
	}
	return claims, true
}
