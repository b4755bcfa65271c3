package config

import (
	"cmp"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// kind is how the text of a setting becomes its Go value.
type kind struct {
	unit string            // what the value counts or names, for help and default file
	want string            // what would be right; ends the sentence of an error
	list bool              // whether the setting may be given several times; the text is then joined by commas
	set  func(string) bool // keeps the value of the text, or reports false and changes nothing
}

// asMaxMessage stands for an EchoMax that nobody set, until settle knows what MaxMessage is.
const asMaxMessage = -1

// Whether a path may be empty.
const (
	optional = true
	required = false
)

func path(to *string, unit string, mayBeEmpty bool) kind {
	return kind{unit: unit, want: "a " + unit, set: func(text string) bool {
		if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) || text == "" && !mayBeEmpty {
			return false
		}
		*to = text
		return true
	}}
}

func choice(to *string, words ...string) kind {
	all := strings.Join(words, " or ")
	return kind{unit: all, want: all, set: func(text string) bool {
		if !slices.Contains(words, text) {
			return false
		}
		*to = text
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

func count(to *int, unit string, most int, zero string) kind {
	want := fmt.Sprintf("a number of %s up to %d, %s", unit, most, zero)
	return kind{unit: unit, want: want, set: func(text string) bool {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > most {
			return false
		}
		*to = n
		return true
	}}
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

func address(to *string) kind {
	const unit = "HOST:PORT"
	return kind{unit: unit, want: unit + ", such as :8888 or 127.0.0.1:8888", set: func(text string) bool {
		if !isAddress(text) {
			return false
		}
		*to = text
		return true
	}}
}

func addressOrOff(to *string) kind {
	k := address(to)
	set := k.set
	k.unit += " or off"
	k.want += ", or off"
	k.set = func(text string) bool {
		if text == "off" {
			*to = ""
			return true
		}
		return set(text)
	}
	return k
}

// isAddress tells whether a listener could be asked for: a port in digits, after no host, a name or an IP address.
func isAddress(text string) bool {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return false
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return false
	}
	return isHost(host)
}

// isHost tells whether text is empty, a host name or an IP address without brackets.
func isHost(text string) bool {
	if strings.Contains(text, ":") {
		_, err := netip.ParseAddr(text)
		return err == nil
	}
	return !strings.ContainsFunc(text, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-._", r)
	})
}

func origins(to *[]string) kind {
	const unit = "* or SCHEME://HOST[:PORT]"
	want := unit + " without a path, several joined by commas"
	return kind{unit: unit, want: want, list: true, set: func(text string) bool {
		if text == "" {
			*to = nil
			return true
		}
		var all []string
		for part := range strings.SplitSeq(text, ",") {
			origin, ok := normalOrigin(strings.TrimSpace(part))
			if !ok {
				return false
			}
			all = append(all, origin)
		}
		*to = all
		return true
	}}
}

// normalOrigin writes an origin as a browser does (RFC 6454, section 6.2): in small letters and without the port that
// the scheme implies. It reports false for what no browser sends.
func normalOrigin(text string) (string, bool) {
	if text == "*" {
		return text, true
	}
	text = strings.ToLower(text)
	scheme, host, _ := strings.Cut(text, "://")
	u, err := url.Parse(text)
	if err != nil || scheme == "" || u.Scheme != scheme || u.Host != host || strings.HasSuffix(host, ":") {
		return "", false // no URL, or one with a user, a path, a query, a fragment or half a port
	}
	if name := u.Hostname(); name == "" || !isAddress(net.JoinHostPort(name, cmp.Or(u.Port(), "0"))) {
		return "", false
	}
	return strings.TrimSuffix(text, impliedPorts[scheme]), true
}

// impliedPorts are those that a browser leaves out.
var impliedPorts = map[string]string{"http": ":80", "https": ":443"}
