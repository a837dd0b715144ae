package durability

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
)

// plainToTLS is the answer of net/http to a plain request at a port of TLS.
const plainToTLS = "Client sent an HTTP request to an HTTPS server"

// tlsToPlain is the error of net/http about a port that answers a request over TLS in plain text.
const tlsToPlain = "server gave HTTP response to HTTPS client"

// adviseTLS adds to an error about the connection to the primary which flag helps.
func adviseTLS(err error) error {
	var (
		unknown    x509.UnknownAuthorityError
		unverified *tls.CertificateVerificationError
		remote     *net.OpError
	)
	switch {
	case errors.As(err, &unknown):
		return fmt.Errorf("%w: give this backup the authorities of the primary's certificate with --backup-ca", err)
	case errors.As(err, &unverified):
		return fmt.Errorf("%w: give a name that is in the primary's certificate with --backup-of, or renew that certificate", err)
	case errors.As(err, &remote) && remote.Op == "remote error" && strings.Contains(remote.Err.Error(), "certificate"):
		return fmt.Errorf("%w: the primary wants a certificate of its --tls-client-ca: give this backup one with --tls-cert and --tls-key", err)
	case strings.HasSuffix(err.Error(), tlsToPlain):
		return fmt.Errorf("%w: give the primary --http-tls, or this backup a --backup-of with http://", err)
	}
	return err
}

// adviseScheme is adviseTLS for an answer.
func adviseScheme(answer string) string {
	if strings.HasPrefix(answer, plainToTLS) {
		return "that port is one of TLS: give it with --backup-of https://..., and its authorities with --backup-ca"
	}
	return answer
}

// do sends a request to the primary. The error says what helps.
func do(client *http.Client, req *http.Request) (*http.Response, error) {
	res, err := client.Do(req)
	if err != nil {
		return nil, adviseTLS(err)
	}
	return res, nil
}
