package auth

import "crypto/x509"

// Prefixes of the names that a certificate can be known by.
const (
	SANURI = "URI:"
	SANDNS = "DNS:"
)

// NamesOf returns the names in a certificate that can be a Credential's SAN. The common name is
// none: its meaning differs between authorities.
func NamesOf(cert *x509.Certificate) (names []string) {
	for _, u := range cert.URIs {
		names = append(names, SANURI+u.String())
	}
	for _, name := range cert.DNSNames {
		names = append(names, SANDNS+name)
	}
	return names
}
