// Package apikey is the form of API keys: how they are made, written, recognised and hashed. It knows neither who holds
// one nor where they are kept.
//
// A key is written parley_<id>_<secret>: the id is public and names the key in lists and logs; the secret is 256 random
// bits and is shown once, when the key is made.
package apikey

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"io"
	"regexp"
	"strings"
)

// Key is a new key. Its secret shows only in Text.
type Key struct {
	ID   string
	text string
}

const (
	prefix      = "parley_"
	idBytes     = 5  // 8 characters
	secretBytes = 32 // 52 characters
)

// letters are base32 in lower case: safe in URLs and shells, selected whole by a double click.
var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// New makes a key from a source of random bytes.
func New(random io.Reader) (Key, error) {
	bytes := make([]byte, idBytes+secretBytes)
	if _, err := io.ReadFull(random, bytes); err != nil {
		return Key{}, err
	}
	id := letters.EncodeToString(bytes[:idBytes])
	return Key{id, prefix + id + "_" + letters.EncodeToString(bytes[idBytes:])}, nil
}

// Text is the key whole, to be given to its holder and kept nowhere.
func (k Key) Text() string { return k.text }

// String is the key as logs may show it.
func (k Key) String() string { return prefix + k.ID + "_…" }

// GoString keeps the secret out of %#v.
func (k Key) GoString() string { return k.String() }

// Hash is what is stored of the key.
func (k Key) Hash() Hash { return hash(k.text) }

// Hash is the SHA-256 of a key's text. A slow hash would add nothing: there are 2^256 secrets to try, not a dictionary.
type Hash [sha256.Size]byte

func hash(text string) Hash { return sha256.Sum256([]byte(text)) }

// Equal compares in constant time.
func (h Hash) Equal(other Hash) bool { return subtle.ConstantTimeCompare(h[:], other[:]) == 1 }

var form = regexp.MustCompile(`^parley_[a-z2-7]{8}_[a-z2-7]{52}$`)

// Parse reads the text of a key.
func Parse(text string) (id string, h Hash, ok bool) {
	if !form.MatchString(text) {
		return "", Hash{}, false
	}
	id, _, _ = strings.Cut(strings.TrimPrefix(text, prefix), "_")
	return id, hash(text), true
}
