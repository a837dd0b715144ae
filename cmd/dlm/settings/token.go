package settings

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"

	"github.com/pelletier/go-toml/v2"
)

// A token is a prefix, by which scanners for leaked secrets recognise it, and random bytes in
// base64url.
const (
	tokenPrefix = "dlm_"
	tokenBytes  = 32
)

// NewToken returns a fresh random token. crypto/rand never fails.
func NewToken() string {
	var random [tokenBytes]byte
	rand.Read(random[:])
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(random[:])
}

// Text returns the entry as the text of a token file, with the hash of token. The server's own
// parser checks the text, so that it can be pasted into a file.
func (e TokenEntry) Text(token string) ([]byte, error) {
	sum := sha256.Sum256([]byte(token))
	e.SHA256 = hex.EncodeToString(sum[:])
	text, err := toml.Marshal(struct {
		Token []TokenEntry `toml:"token"`
	}{[]TokenEntry{e}})
	if err != nil {
		return nil, err
	}
	_, problems := ParseTokens("new token", text)
	return text, errors.Join(problems...)
}
