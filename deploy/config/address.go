package config

import (
	"cmp"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

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

// addressOrEmpty is for the address of a listener that need not be.
func addressOrEmpty(to *string) kind {
	k := address(to)
	set := k.set
	k.want += ", or nothing"
	k.set = func(text string) bool {
		if text == "" {
			*to = ""
			return true
		}
		return set(text)
	}
	return k
}

// isLoopback tells whether nobody but this machine is at the address, HOST:PORT.
func isLoopback(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}

// peers is for addresses to connect to.
func peers(to *[]string) kind {
	const unit = "HOST:PORT"
	return each(to, unit, unit+", such as 192.0.2.7:9000", func(text string) (string, bool) {
		host, _, _ := net.SplitHostPort(text)
		return text, isAddress(text) && host != "" && !isPortZero(text)
	})
}

// isPortZero tells whether the port is 0, which can be listened on and not connected to.
func isPortZero(address string) bool {
	_, port, _ := net.SplitHostPort(address)
	return strings.Trim(port, "0") == ""
}

// sources is for addresses of this machine to connect from.
func sources(to *[]netip.Addr) kind {
	const unit = "IP address"
	return each(to, unit, "an "+unit+" of this machine", func(text string) (netip.Addr, bool) {
		ip, err := netip.ParseAddr(text)
		return ip, err == nil && !ip.IsUnspecified() && !ip.IsMulticast()
	})
}

// endpoints is for URLs of a scheme and an address alone; they are kept with the port that the scheme implies.
func endpoints(to *[]string, schemes ...string) kind {
	unit, want := endpointWords(schemes)
	return each(to, unit, want, func(text string) (string, bool) { return normalEndpoint(text, schemes) })
}

// endpointOrEmpty is one of them or none.
func endpointOrEmpty(to *string, schemes ...string) kind {
	unit, want := endpointWords(schemes)
	return kind{unit: unit, want: want, set: func(text string) bool {
		normal, ok := normalEndpoint(text, schemes)
		if ok || text == "" {
			*to = normal
		}
		return ok || text == ""
	}}
}

func endpointWords(schemes []string) (unit, want string) {
	forms := make([]string, len(schemes))
	for i, scheme := range schemes {
		forms[i] = scheme + "://HOST[:PORT]"
	}
	return either(forms), either(forms) + " without a path"
}

func normalEndpoint(text string, schemes []string) (string, bool) {
	u, ok := parseOrigin(strings.ToLower(strings.TrimSuffix(text, "/")))
	if !ok || !slices.Contains(schemes, u.Scheme) {
		return "", false
	}
	host := net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), impliedPorts[u.Scheme]))
	return u.Scheme + "://" + host, !isPortZero(host)
}

// natsURL is for where NATS is: inside, or at the URLs of one or more servers.
func natsURL(to *string) kind {
	const unit = "embedded or nats://HOST:PORT"
	isWord := func(text string) bool { return text == "" || text == "embedded" }
	return kind{unit: unit, want: unit + ",...", secret: func(text string) bool {
		hasUser, ok := parseNATS(text)
		return !isWord(text) && (hasUser || !ok)
	}, set: func(text string) bool {
		if _, ok := parseNATS(text); !ok && !isWord(text) {
			return false
		}
		*to = text
		return true
	}}
}

// parseNATS reads the URLs of servers of NATS, and tells whether one names a user, whose password may stand there.
func parseNATS(text string) (hasUser, ok bool) {
	for each := range strings.SplitSeq(text, ",") {
		u, err := url.Parse(each)
		if err != nil || u.Scheme != "nats" && u.Scheme != "tls" || u.Hostname() == "" || u.Path != "" || u.RawQuery != "" {
			return false, false
		}
		hasUser = hasUser || u.User != nil
	}
	return hasUser, true
}

func origins(to *[]string) kind {
	const unit = "* or SCHEME://HOST[:PORT]"
	return each(to, unit, unit+" without a path", normalOrigin)
}

// normalOrigin writes an origin as a browser does (RFC 6454, section 6.2): in small letters and without the port that
// the scheme implies. It reports false for what no browser sends.
func normalOrigin(text string) (string, bool) {
	if text == "*" {
		return text, true
	}
	text = strings.ToLower(text)
	u, ok := parseOrigin(text)
	if !ok {
		return "", false
	}
	if port := u.Port(); port != "" && port == impliedPorts[u.Scheme] {
		text = strings.TrimSuffix(text, ":"+port)
	}
	return text, true
}

// parseOrigin reads SCHEME://HOST[:PORT] in small letters. It reports false for a URL with a user, a path, a query, a
// fragment or half a port, and for what is no URL.
func parseOrigin(text string) (*url.URL, bool) {
	scheme, host, _ := strings.Cut(text, "://")
	u, err := url.Parse(text)
	if err != nil || scheme == "" || u.Scheme != scheme || u.Host != host || strings.HasSuffix(host, ":") {
		return nil, false
	}
	name := u.Hostname()
	return u, name != "" && isAddress(net.JoinHostPort(name, cmp.Or(u.Port(), "0")))
}

// impliedPorts are those that a URL may leave out. An origin is never one of ws or wss.
var impliedPorts = map[string]string{"http": "80", "https": "443", "ws": "80", "wss": "443"}
