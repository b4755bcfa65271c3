package auth

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/golang-jwt/jwt/v5"
)

// Claims is what a token says of its bearer. It is immutable.
//
// Rights stand in one claim, which may be left out, and so may each of its members; what is left out is allowed, except to
// be a moderator:
//
//	"throng": {
//	  "moderator": true,             may kick, mute, ban and delete
//	  "join": ["go", "team-*"],      rooms that may be joined; a * at the end stands for any end
//	  "write": ["go"],               rooms that may be written to, of those
//	  "all": "read",                 what everyone is told may be read ("write": and written)
//	  "direct": false                no direct messages may be sent
//	}
//
// A member that is not known is refused, and named: it may be a restriction.
type Claims struct {
	Subject   string    // not empty
	Expires   time.Time // its exp
	Moderator bool
	Join      []string // nil: any room
	Write     []string // nil: any room
	ReadAll   bool     // may not write to everyone
	NoDirect  bool     // may not write to one
}

// claimsOf reads what the library has found valid.
func claimsOf(m jwt.MapClaims) (*Claims, error) {
	sub, err := m.GetSubject()
	if err != nil {
		return nil, errMalformed
	}
	exp, err := m.GetExpirationTime()
	switch {
	case err != nil:
		return nil, errMalformed
	case exp == nil:
		return nil, errNoExp
	case strings.TrimSpace(sub) == "":
		return nil, errNoSub
	}
	c := &Claims{Subject: sub, Expires: exp.Time}
	rights, ok := m["throng"]
	if !ok {
		return c, nil
	}
	return c, c.grant(rights)
}

// grant reads the throng claim.
func (c *Claims) grant(rights any) error {
	members, ok := rights.(map[string]any)
	if !ok {
		return errRights
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		value, ok := members[name], false
		switch name {
		case "moderator":
			c.Moderator, ok = value.(bool)
		case "join":
			c.Join, ok = words(value)
		case "write":
			c.Write, ok = words(value)
		case "all":
			c.ReadAll = value == "read"
			ok = c.ReadAll || value == "write"
		case "direct":
			var may bool
			may, ok = value.(bool)
			c.NoDirect = !may
		default:
			return unknownRight(name)
		}
		if !ok {
			return errRights
		}
	}
	return nil
}

// rights is the throng claim that grant would read; empty: it may be left out.
func (c *Claims) rights() map[string]any {
	all := map[string]any{}
	if c.Moderator {
		all["moderator"] = true
	}
	if c.Join != nil {
		all["join"] = c.Join
	}
	if c.Write != nil {
		all["write"] = c.Write
	}
	if c.ReadAll {
		all["all"] = "read"
	}
	if c.NoDirect {
		all["direct"] = false
	}
	return all
}

// words is a list of strings, which is not nil though it be empty.
func words(value any) ([]string, bool) {
	all, ok := value.([]any)
	list := make([]string, 0, len(all))
	for _, one := range all {
		word, isText := one.(string)
		ok = ok && isText
		list = append(list, word)
	}
	return list, ok
}

// isObject reports whether text is a JSON object without a key that comes twice, in UTF-8.
func isObject(text []byte) bool {
	v := jsontext.Value(text)
	return v.IsValid() && v.Kind() == '{'
}
