package auth

import (
	"crypto/sha256"
	"fmt"
)

// Credential is one known token or certificate: its name for the log, its role and its hash. The
// token itself is never kept.
type Credential struct {
	Name   string
	Role   Role
	SHA256 [sha256.Size]byte // of a token; of a certificate: what CertificateKey returns
	// SAN is the name in a certificate that is the credential, "URI:..." or "DNS:...", compared
	// byte by byte. Empty: the credential is a token.
	SAN string
	Bounds
	Quota
}

// Bounds narrow what a token of RoleLock may do. The zero value narrows nothing.
type Bounds struct {
	// Prefixes: each lock name that the token may use starts with one of them. Empty: all names.
	Prefixes []string
	// Services: each service id in whose name the token may act starts with one of them. Empty: all
	// services.
	Services []string
	// RequireToken: each RELEASE and HEARTBEAT has to name its hold by TOKEN.
	RequireToken bool
}

// none reports whether the bounds narrow nothing.
func (b *Bounds) none() bool {
	return len(b.Prefixes) == 0 && len(b.Services) == 0 && !b.RequireToken
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
		case twice && c.SAN != "":
			errs = append(errs, fmt.Errorf("certificates %q and %q have the same san", other, c.Name))
		case twice:
			errs = append(errs, fmt.Errorf("tokens %q and %q have the same sha256", other, c.Name))
		case !c.none() && c.Role != RoleLock:
			errs = append(errs, fmt.Errorf("token %q: prefixes, services and require_token go with role lock only", c.Name))
		}
		names[c.Name], hashes[c.SHA256] = true, c.Name
	}
	return append(errs, validateQuotas(creds)...)
}

// CertificateKey returns the SHA256 of a Credential with that SAN. No token authenticates by it.
func CertificateKey(san string) [sha256.Size]byte {
	return sha256.Sum256([]byte("certificate " + san))
}

// identity returns the identity of a connection that has shown the token.
func (c *Credential) identity() Identity {
	id := Identity{Name: c.Name, Role: c.Role, ConnsMax: c.Conns, token: &c.SHA256}
	if !c.none() {
		id.bounds = &c.Bounds
	}
	return id
}
