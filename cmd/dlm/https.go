package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"strings"
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
		return nil, err
	}
	t.TLSClientConfig.RootCAs = x509.NewCertPool()
	if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: no certificate in it: PEM is wanted", ca)
	}
	return t, nil
}
