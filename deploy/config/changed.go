package config

import (
	"reflect"
	"strings"
	"unicode"
)

// Changed lists the settings, as flags without their dashes, in which two servers' settings differ, in the order of [Serve].
func Changed(a, b Serve) (names []string) {
	left, right := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range left.NumField() {
		if !reflect.DeepEqual(left.Field(i).Interface(), right.Field(i).Interface()) {
			names = append(names, flagOf(left.Type().Field(i).Name))
		}
	}
	return names
}

// flagOf is the setting that a field of Serve holds: MaxConnsPerIP is max-conns-per-ip, and TLSCert tls-cert.
func flagOf(field string) string {
	var name strings.Builder
	runes := []rune(field)
	for i, r := range runes {
		beginsWord := unicode.IsUpper(r) && i > 0 &&
			(unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]))
		if beginsWord {
			name.WriteByte('-')
		}
		name.WriteRune(unicode.ToLower(r))
	}
	return name.String()
}
