package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Binary units of a size.
const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
)

// sizeUnits goes from the largest to the smallest, so that "B" is not taken for the end of "KiB".
var sizeUnits = []struct {
	name  string
	bytes int64
}{{"GiB", gib}, {"MiB", mib}, {"KiB", kib}, {"B", 1}}

// parseSize reads a number of bytes: digits alone, or digits and one of B, KiB, MiB, GiB. The decimal units (KB, MB)
// and a bare K are refused, since people do not agree on what they mean. It reports false for all else, a sign, a
// fraction and what overflows 64 bits included.
func parseSize(text string) (int64, bool) {
	unit := int64(1)
	for _, u := range sizeUnits {
		if digits, ok := strings.CutSuffix(text, u.name); ok {
			text, unit = digits, u.bytes
			break
		}
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || int64(n) > math.MaxInt64/unit {
		return 0, false
	}
	return int64(n) * unit, true
}

// formatSize writes a size in the largest unit that keeps it whole, so that parseSize reads the same number again.
func formatSize(n int64) string {
	for _, u := range sizeUnits {
		if n >= u.bytes && n%u.bytes == 0 {
			return fmt.Sprintf("%d%s", n/u.bytes, u.name)
		}
	}
	return strconv.FormatInt(n, 10)
}
