package config

import (
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// kind is how the text of a setting becomes its Go value.
type kind struct {
	unit   string            // what the value counts or names, for help and default file
	want   string            // what would be right; ends the sentence of an error
	list   bool              // whether the setting may be given several times; the text is then joined by commas
	bare   string            // the value of a flag that stands alone; empty: a value must follow
	secret func(string) bool // whether a text may hold a secret, and is kept out of what is printed; nil: none does
	set    func(string) bool // keeps the value of the text, or reports false and changes nothing
}

// always is for what is secret whatever its text.
func always(string) bool { return true }

// asMaxMessage stands for an EchoMax that nobody set, until settle knows what MaxMessage is.
const asMaxMessage = -1

const (
	// leastMemory is the least limit of memory in bytes; with less a server cannot do its work.
	leastMemory = 64 * mib
	// leastKey is the least length of a key of the API in bytes, in a file of keys too.
	leastKey = 16
)

// Whether a path may be empty.
const (
	optional = true
	required = false
)

func path(to *string, unit string, mayBeEmpty bool) kind {
	return kind{unit: unit, want: "a " + unit, set: func(text string) bool {
		if !isText(text) || text == "" && !mayBeEmpty {
			return false
		}
		*to = text
		return true
	}}
}

// isText tells whether text can be shown on one line.
func isText(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// key is for a secret of at least so many bytes; empty = none. It says no more of a value than that it is wrong.
func key(to *string, least int) kind {
	want := "at most 256 letters, digits and signs"
	if least > 1 {
		want = fmt.Sprintf("nothing, or %d to 256 letters, digits and signs", least)
	}
	return kind{unit: "secret", want: want, secret: always, set: func(text string) bool {
		if len(text) > 256 || text != "" && len(text) < least || !isText(text) {
			return false
		}
		*to = text
		return true
	}}
}

func choice(to *string, words ...string) kind {
	all := either(words)
	return kind{unit: all, want: all, set: func(text string) bool {
		if !slices.Contains(words, text) {
			return false
		}
		*to = text
		return true
	}}
}

// either writes words as a choice: a, b or c.
func either(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// truth is for a flag that says enough without a value.
func truth(to *bool) kind {
	const want = "true or false"
	return kind{unit: want, want: want, bare: "true", set: func(text string) bool {
		if text != "false" && text != "true" {
			return false
		}
		*to = text == "true"
		return true
	}}
}

func offOn(to *bool) kind {
	return kind{unit: "off or on", want: "off or on", set: func(text string) bool {
		if text != "off" && text != "on" {
			return false
		}
		*to = text == "on"
		return true
	}}
}

func level(to *slog.Level) kind {
	levels := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}
	const want = "debug, info, warn or error"
	return kind{unit: "level", want: want, set: func(text string) bool {
		l, ok := levels[strings.ToLower(text)]
		if ok {
			*to = l
		}
		return ok
	}}
}

func size(to *int, least, most int64) kind {
	want := fmt.Sprintf("a size from %s to %s, such as 64KiB", formatSize(least), formatSize(most))
	return kind{unit: "size: B, KiB, MiB, GiB", want: want, set: func(text string) bool {
		n, ok := parseSize(text)
		if !ok || n < least || n > most {
			return false
		}
		*to = int(n)
		return true
	}}
}

// sizeOrZero is for a size that 0 takes away.
func sizeOrZero(to *int, least, most int64) kind {
	k := size(to, least, most)
	set := k.set
	k.want = "0, or " + k.want
	k.set = func(text string) bool {
		if n, ok := parseSize(text); ok && n == 0 {
			*to = 0
			return true
		}
		return set(text)
	}
	return k
}

// sizeOrEmpty is for the size that follows --max-message unless it is set; 0 is a set value.
func sizeOrEmpty(to *int, least, most int64) kind {
	k := size(to, least, most)
	set := k.set
	k.set = func(text string) bool {
		if text == "" {
			*to = asMaxMessage
			return true
		}
		return set(text)
	}
	return k
}

// count is for whole numbers. The text zero says what 0 means; where it is empty, 0 is refused.
func count(to *int, unit string, most int, zero string) kind {
	least, want := 0, fmt.Sprintf("a number of %s up to %d, %s", unit, most, zero)
	if zero == "" {
		least, want = 1, fmt.Sprintf("a number of %s from 1 to %d", unit, most)
	}
	return kind{unit: unit, want: want, set: func(text string) bool {
		n, err := strconv.Atoi(text)
		if err != nil || n < least || n > most {
			return false
		}
		*to = n
		return true
	}}
}

// countOrAuto is a count beside which the word auto stands for the number auto.
func countOrAuto(to *int, auto int, unit string, most int, zero string) kind {
	k := count(to, unit, most, zero)
	set := k.set
	k.unit += " or auto"
	k.want += ", or auto"
	k.set = func(text string) bool {
		if text == "auto" {
			*to = auto
			return true
		}
		return set(text)
	}
	return k
}

func number(to *float64, unit string, most float64, zero string) kind {
	want := fmt.Sprintf("a number of %s up to %.0f, %s", unit, most, zero)
	return kind{unit: unit, want: want, set: func(text string) bool {
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(x) || x < 0 || x > most {
			return false
		}
		*to = x
		return true
	}}
}

// perTime are the seconds of the units behind the stroke of a rate.
var perTime = map[string]float64{"s": 1, "m": 60, "h": 3600}

// rate is for a number a second, which may be written as one a minute or an hour: 100, 100/s, 6000/m.
func rate(to *float64, unit string, most float64, zero string) kind {
	want := fmt.Sprintf("a number of %s a second up to %.0f, such as 100/s or 6000/m, %s", unit, most, zero)
	var amount float64
	amounts := number(&amount, unit, most*perTime["h"], zero)
	return kind{unit: unit + "/s, /m or /h", want: want, set: func(text string) bool {
		digits, per, stroke := strings.Cut(text, "/")
		if !stroke {
			per = "s"
		}
		seconds, known := perTime[per]
		if !known || !amounts.set(digits) || amount/seconds > most {
			return false
		}
		*to = amount / seconds
		return true
	}}
}

func duration(to *time.Duration, least, most time.Duration) kind {
	want := fmt.Sprintf("a time from %v to %v, such as 10s", least, most)
	return kind{unit: "time: ms, s, m, h", want: want, set: func(text string) bool {
		d, err := time.ParseDuration(text)
		if err != nil || d < least || d > most {
			return false
		}
		*to = d
		return true
	}}
}

// each is for several values, every one of which parse reads; empty = none.
func each[T any](to *[]T, unit, want string, parse func(string) (T, bool)) kind {
	return kind{unit: unit, want: want + ", several joined by commas", list: true, set: func(text string) bool {
		if text == "" {
			*to = nil
			return true
		}
		var all []T
		for part := range strings.SplitSeq(text, ",") {
			one, ok := parse(strings.TrimSpace(part))
			if !ok {
				return false
			}
			all = append(all, one)
		}
		*to = all
		return true
	}}
}

// levels keeps service levels as they are; what they say is for the load tester to read.
func levels(to *[]string) kind {
	return each(to, "level", "a service level, such as lost==0 or direct.p99<50ms", func(text string) (string, bool) {
		return text, text != "" && isText(text)
	})
}

func processes(to *[]int) kind {
	return each(to, "process id", "a process id", func(text string) (int, bool) {
		pid, err := strconv.ParseInt(text, 10, 32)
		return int(pid), err == nil && pid > 0
	})
}
