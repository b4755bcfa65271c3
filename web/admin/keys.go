package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// Scope is what a key allows.
type Scope string

// The scopes. Admin includes all others.
const (
	Read     Scope = "read"     // counts, who is there, rooms and what is said in them, the state of messages
	Publish  Scope = "publish"  // send messages, under any nick
	Moderate Scope = "moderate" // kick, mute, ban, delete, and what they have done
	Admin    Scope = "admin"    // all, and what two people say to each other
)

var scopes = []Scope{Read, Publish, Moderate, Admin}

// Key is who may use the API. It is a value and never holds the secret itself.
type Key struct {
	Name   string // as the log calls it
	Hash   [sha256.Size]byte
	Scopes []Scope
}

// allows reports whether the key is good for something.
func (k *Key) allows(s Scope) bool {
	return s == "" || slices.Contains(k.Scopes, s) || slices.Contains(k.Scopes, Admin)
}

// NewKey is a key for all there is.
func NewKey(name, secret string) Key {
	return Key{Name: name, Hash: sha256.Sum256([]byte(secret)), Scopes: []Scope{Admin}}
}

// The bounds of a file of keys.
const (
	maxKeysFile = 1 << 20 // bytes
	maxKeys     = 1000
	minSecret   = 16 // bytes: what is shorter could be guessed
)

// ReadKeys reads a file of keys, in TOML:
//
//	[[key]]
//	name = "billing"
//	sha256 = "…"                 # of the key, in hex: printf %s KEY | sha256sum; or the key itself: key = "…"
//	scopes = ["read", "publish"]
func ReadKeys(path string) ([]Key, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxKeysFile+1))
	if err != nil {
		return nil, err
	}
	keys, err := parseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

// keyEntry is a key as the file has it.
type keyEntry struct {
	Name   string
	Key    string
	SHA256 string
	Scopes []Scope
}

// parseKeys reads the text of a file of keys. Its errors hold no secrets.
func parseKeys(text []byte) ([]Key, error) {
	if len(text) > maxKeysFile {
		return nil, fmt.Errorf("a file of keys has at most %d bytes", maxKeysFile)
	}
	var file struct{ Key []keyEntry }
	meta, err := toml.Decode(string(text), &file)
	if err != nil {
		var syntax toml.ParseError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("line %d is not TOML as it should be", syntax.Position.Line)
		}
		return nil, fmt.Errorf("a value is of the wrong kind")
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return nil, fmt.Errorf("unknown name %.40q: want [[key]] with name, key or sha256, scopes", unknown[0].String())
	}
	if len(file.Key) > maxKeys {
		return nil, fmt.Errorf("more than %d keys", maxKeys)
	}
	var keys []Key
	for i, entry := range file.Key {
		key, err := entry.read()
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		for _, other := range keys {
			if other.Name == key.Name || other.Hash == key.Hash {
				return nil, fmt.Errorf("key %d is there twice, by its name or by its secret", i+1)
			}
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func (e keyEntry) read() (Key, error) {
	key := Key{Name: e.Name, Scopes: e.Scopes}
	if e.Name == "" || len(e.Name) > 64 || strings.ContainsFunc(e.Name, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return Key{}, fmt.Errorf("want a name of 1 to 64 letters, digits and signs")
	}
	if len(e.Scopes) == 0 {
		return Key{}, fmt.Errorf("want scopes: some of %v", scopes)
	}
	for _, s := range e.Scopes {
		if !slices.Contains(scopes, s) {
			return Key{}, fmt.Errorf("unknown scope %.20q: want some of %v", s, scopes)
		}
	}
	switch {
	case (e.Key == "") == (e.SHA256 == ""):
		return Key{}, fmt.Errorf("want one of key and sha256")
	case e.Key != "" && len(e.Key) < minSecret:
		return Key{}, fmt.Errorf("want a key of at least %d bytes", minSecret)
	case e.Key != "":
		key.Hash = sha256.Sum256([]byte(e.Key))
	default:
		sum, err := hex.DecodeString(e.SHA256)
		if err != nil || len(sum) != sha256.Size {
			return Key{}, fmt.Errorf("want sha256 as 64 hex digits")
		}
		key.Hash = [sha256.Size]byte(sum)
	}
	return key, nil
}

// find is the key with a secret; nil: there is none. How long it takes says nothing of the keys.
func find(keys []Key, secret string) (found *Key) {
	hash := sha256.Sum256([]byte(secret))
	for i := range keys {
		if subtle.ConstantTimeCompare(hash[:], keys[i].Hash[:]) == 1 {
			found = &keys[i]
		}
	}
	return found
}
