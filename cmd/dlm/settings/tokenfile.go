package settings

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"dlm/cmd/dlm/files"
	"dlm/engine/auth"
)

// TokenEntry is one [[token]] of a token file, as `dlm token new` writes it.
type TokenEntry struct {
	Name         string   `toml:"name"`
	Role         string   `toml:"role"`
	SHA256       string   `toml:"sha256"` // of the token, in hex
	Prefixes     []string `toml:"prefixes,omitempty"`
	Services     []string `toml:"services,omitempty"`
	RequireToken bool     `toml:"require_token,omitempty"`
	Locks        int      `toml:"locks,omitempty"`
	Waiters      int      `toml:"waiters,omitempty"`
	Connections  int      `toml:"connections,omitempty"`
}

var tokenKeys = []string{"name", "role", "sha256", "prefixes", "services", "require_token", "locks", "waiters", "connections"}

// certKeys are those of a [[cert]], which has the name in a certificate and no hash.
var certKeys = []string{"name", "role", "san", "prefixes", "services", "require_token", "locks", "waiters", "connections"}

// emptyHash is the hash of an empty token. A user gets it by piping a variable that is not set
// into a hash command.
var emptyHash = sha256.Sum256(nil)

// readTokenFile reads a token file whose mode passes checkSecretFile. It returns every problem,
// each with the file and the token.
func readTokenFile(path string) ([]auth.Credential, []error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, []error{files.Explain(err)}
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, []error{files.Explain(err)}
	}
	var problems []error
	if err := checkSecretFile(path, info); err != nil {
		problems = append(problems, err)
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return nil, append(problems, files.Explain(err))
	}
	creds, bad := ParseTokens(path, text)
	return creds, append(problems, bad...)
}

// ParseTokens returns the credentials of a token file, or its problems. path is for their words.
func ParseTokens(path string, text []byte) (creds []auth.Credential, problems []error) {
	var document map[string]any
	if err := toml.Unmarshal(text, &document); err != nil {
		return nil, []error{tomlError(path, err)}
	}
	for _, key := range sortedKeys(document) {
		if !slices.Contains(entryKinds, key) {
			problems = append(problems, fmt.Errorf("%s: unknown key %s%s", path, key, didYouMean(key, entryKinds)))
		}
	}
	for _, kind := range entryKinds {
		entries, _ := document[kind].([]any)
		for i, entry := range entries {
			r := tokenReader{kind: kind}
			cred := r.read(entry)
			r.checkUnique(cred, creds)
			creds = append(creds, cred)
			for _, err := range r.problems {
				problems = append(problems, fmt.Errorf("%s: %s %d (%s): %w", path, kind, i+1, nameOr(cred.Name, "no name"), err))
			}
		}
	}
	if len(creds) == 0 {
		problems = append(problems, fmt.Errorf("%s: no [[token]] in it: make one with 'dlm token new'", path))
	}
	return creds, problems
}

// Lists of a token file: tokens, and certificates of clients.
const kindToken, kindCert = "token", "cert"

var entryKinds = []string{kindToken, kindCert}

// tokenReader reads one [[token]] or [[cert]] and collects its problems.
type tokenReader struct {
	kind     string
	problems []error
}

func (r *tokenReader) bad(format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf(format, args...))
}

func (r *tokenReader) read(entry any) (c auth.Credential) {
	table, ok := entry.(map[string]any)
	if !ok {
		r.bad("this is not a table: write [[%s]] above it", r.kind)
		return c
	}
	known := tokenKeys
	if r.kind == kindCert {
		known = certKeys
	}
	for _, key := range sortedKeys(table) {
		if !slices.Contains(known, key) {
			r.bad("unknown key %s%s", key, didYouMean(key, known))
		}
	}
	var err error
	c.Name = r.text(table, "name")
	if role := r.text(table, "role"); role != "" {
		if c.Role, err = auth.ParseRole(role); err != nil {
			r.problems = append(r.problems, err)
		}
	}
	if r.kind == kindToken {
		c.SHA256 = r.hash(table)
	} else if c.SAN = r.san(table); c.SAN != "" {
		c.SHA256 = auth.CertificateKey(c.SAN)
	}
	c.Prefixes = r.prefixes(table, "prefixes", "names")
	c.Services = r.prefixes(table, "services", "services")
	c.RequireToken = r.truth(table, "require_token")
	c.Locks, c.Waiters, c.Conns = r.quota(table, "locks"), r.quota(table, "waiters"), r.quota(table, "connections")
	if c.Quota.OfServices() && len(c.Services) == 0 {
		r.bad("locks and waiters need services, because holds are counted by the service")
	}
	if c.Role != auth.RoleLock && c.Role != auth.RoleNone {
		for _, key := range []string{"prefixes", "services", "require_token", "locks", "waiters"} {
			if table[key] != nil {
				r.bad("only role lock can have %s, not %s", key, c.Role)
			}
		}
	}
	return c
}

// quota reads a number above zero. Without the key it is 0, which means no limit.
func (r *tokenReader) quota(table map[string]any, key string) int {
	value, ok := table[key].(int64)
	if table[key] != nil && (!ok || value < 1 || value > math.MaxInt32) {
		r.bad("%s is no number from 1 to %d", key, math.MaxInt32)
		return 0
	}
	return int(value)
}

// truth reads a key that is true or false. Without it, it is false.
func (r *tokenReader) truth(table map[string]any, key string) bool {
	value, ok := table[key].(bool)
	if table[key] != nil && !ok {
		r.bad("%s is neither true nor false", key)
	}
	return value
}

func (r *tokenReader) text(table map[string]any, key string) string {
	value, ok := table[key].(string)
	switch {
	case table[key] == nil:
		r.bad("%s is missing", key)
	case !ok:
		r.bad("%s is not a string", key)
	case value == "":
		r.bad("%s is empty", key)
	}
	return value
}

func (r *tokenReader) hash(table map[string]any) (sum [sha256.Size]byte) {
	text := r.text(table, "sha256")
	if text == "" {
		return sum
	}
	b, err := hex.DecodeString(text)
	switch {
	case err != nil || len(b) != len(sum):
		r.bad("sha256 is not %d hexadecimal digits", 2*len(sum))
	case [sha256.Size]byte(b) == emptyHash:
		r.bad("sha256 is the hash of an empty token")
	default:
		copy(sum[:], b)
	}
	return sum
}

// san reads the name in a certificate.
func (r *tokenReader) san(table map[string]any) string {
	san := r.text(table, "san")
	for _, prefix := range []string{auth.SANURI, auth.SANDNS} {
		if rest, ok := strings.CutPrefix(san, prefix); ok && rest != "" {
			return san
		}
	}
	if san != "" {
		r.bad("san %q is neither %s nor %s with a name after it", san, auth.SANURI, auth.SANDNS)
	}
	return ""
}

// prefixes reads a list of strings. all is what a token without the key may use.
func (r *tokenReader) prefixes(table map[string]any, key, all string) (prefixes []string) {
	value, given := table[key]
	if !given {
		return nil
	}
	list, ok := value.([]any)
	if !ok || len(list) == 0 {
		r.bad("%s is not a list of one or more strings: leave it out to allow all %s", key, all)
		return nil
	}
	for _, p := range list {
		prefix, ok := p.(string)
		if !ok || prefix == "" {
			r.bad("%s has an item that is empty or not a string", key)
			continue
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes
}

func (r *tokenReader) checkUnique(c auth.Credential, before []auth.Credential) {
	for i, other := range before {
		if c.Name != "" && c.Name == other.Name {
			r.bad("%s has the same name", entryAt(before, i))
		}
		if c.SHA256 != [sha256.Size]byte{} && c.SHA256 == other.SHA256 {
			key := map[string]string{kindToken: "sha256", kindCert: "san"}[r.kind]
			r.bad("%s (%s) has the same %s", entryAt(before, i), nameOr(other.Name, "no name"), key)
		}
	}
}

// entryAt returns the kind and number of an entry. Tokens come first.
func entryAt(all []auth.Credential, i int) string {
	certs := 0
	for _, c := range all[:i] {
		if c.SAN != "" {
			certs++
		}
	}
	if all[i].SAN != "" {
		return fmt.Sprintf("%s %d", kindCert, certs+1)
	}
	return fmt.Sprintf("%s %d", kindToken, i+1)
}

func nameOr(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	return fmt.Sprintf("%q", name)
}

// ReloadTokens reads the token file again into a running server, through set. It returns the
// tokens. A file with a problem changes nothing.
func ReloadTokens(path string, set func([]auth.Credential) error) ([]auth.Credential, error) {
	creds, problems := readTokenFile(path)
	if err := Problems(problems).OrNil(); err != nil {
		return nil, err
	}
	return creds, set(creds)
}
