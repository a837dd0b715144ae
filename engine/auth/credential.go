package auth

import (
	"crypto/sha256"
	"fmt"
)

// Credential is one known token: its name for the log, its role and its hash. The token itself is
// never kept.
type Credential struct {
	Name   string
	Role   Role
	SHA256 [sha256.Size]byte
	// Prefixes are for RoleLock only: each lock name that the token may use starts with one of
	// them. Empty: all names.
	Prefixes []string
}

// Validate returns a problem for each credential that can't be used.
func Validate(creds []Credential) (errs []error) {
	names := map[string]bool{}
	hashes := map[[sha256.Size]byte]string{}
	for i, c := range creds {
		switch other, twice := hashes[c.SHA256]; {
		case c.Name == "":
			errs = append(errs, fmt.Errorf("token %d has no name", i+1))
		case names[c.Name]:
			errs = append(errs, fmt.Errorf("token name %q is used twice", c.Name))
		case twice:
			errs = append(errs, fmt.Errorf("tokens %q and %q have the same sha256", other, c.Name))
		case len(c.Prefixes) > 0 && c.Role != RoleLock:
			errs = append(errs, fmt.Errorf("token %q: prefixes go with role lock only", c.Name))
		}
		names[c.Name], hashes[c.SHA256] = true, c.Name
	}
	return errs
}

// identity returns the identity of a connection that has shown the token.
func (c *Credential) identity() Identity {
	id := Identity{Name: c.Name, Role: c.Role, token: &c.SHA256}
	for _, p := range c.Prefixes {
		id.prefixes = append(id.prefixes, []byte(p))
	}
	return id
}
