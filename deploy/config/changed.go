package config

import (
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// Changed lists the settings, as flags without their dashes, in which two servers' settings differ, in the order of [Serve].
func Changed(a, b Serve) (names []string) {
	left, right := reflect.ValueOf(a), reflect.ValueOf(b)
	for _, f := range fields() {
		if !reflect.DeepEqual(left.FieldByIndex(f.Index).Interface(), right.FieldByIndex(f.Index).Interface()) {
			names = append(names, flagOf(f.Name))
		}
	}
	return names
}

// fields are those of Serve that hold a setting each, in its parts too.
func fields() []reflect.StructField {
	return slices.DeleteFunc(reflect.VisibleFields(reflect.TypeFor[Serve]()), func(f reflect.StructField) bool { return f.Anonymous })
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
