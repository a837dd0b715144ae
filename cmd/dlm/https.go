package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"dlm/cmd/dlm/files"
)

// caHelp describes the flag --ca of commands that ask the HTTP side.
const caHelp = "PEM `FILE` with the authorities of the server's certificate, for https://; by default those of the system"

// baseURL returns the URL of an HTTP side: host:port is http://host:port.
func baseURL(addr string) string {
	base := strings.TrimRight(addr, "/")
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	return base
}

// transportFor returns the transport of a command that believes the authorities in a file. An empty
// name is the system's.
func transportFor(ca string) (*http.Transport, error) {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	if ca == "" {
		return t, nil
	}
	text, err := os.ReadFile(ca)
	if err != nil {
		return nil, fmt.Errorf("--ca: %w", files.Explain(err))
	}
	t.TLSClientConfig.RootCAs = x509.NewCertPool()
	if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("--ca: %s: no certificate in it: PEM is wanted", ca)
	}
	return t, nil
}

// plainAnswer ends the error of net/http, which has no type for it, about a port without TLS.
const plainAnswer = "server gave HTTP response to HTTPS client"

// askHTTP sends a request to an HTTP side. Its error says what to do about a certificate that is
// not believed, and about a plain port that is asked over TLS.
func askHTTP(client *http.Client, req *http.Request) (*http.Response, error) {
	res, err := client.Do(req)
	var unverified *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	switch {
	case err == nil:
		return res, nil
	case errors.As(err, &unknown):
		err = fmt.Errorf("%w: give the authorities of that server's certificate with --ca", err)
	case errors.As(err, &unverified):
		err = fmt.Errorf("%w: ask a name that is in that server's certificate, or renew the certificate", err)
	case strings.HasSuffix(err.Error(), plainAnswer):
		err = fmt.Errorf("%w: this port is plain: give it with http://", err)
	default:
		err = fmt.Errorf("%w: is this the HTTP address of that server? give it with --http", err)
	}
	return nil, err
}

// plainToTLS is the answer of net/http to a plain request at a port of TLS.
const plainToTLS = "Client sent an HTTP request to an HTTPS server"

// withTLSAdvice returns an answer that a user reads, with what to do if the port is one of TLS.
func withTLSAdvice(line string) string {
	if strings.HasPrefix(line, plainToTLS) {
		line = "this port is one of TLS: give it with https://, and its authorities with --ca"
	}
	return line
}
