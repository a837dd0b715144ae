package settings

import (
	"crypto/tls"
	"fmt"
	"net"
	"strings"

	"dlm/cmd/dlm/certs"
	"dlm/engine"
	"dlm/engine/durability"
)

// addTLS adds the settings of connections over TLS.
func (s *Server) addTLS(f *flags) {
	c, t := &s.Engine, &s.TLSFiles
	f.text("tls-listen", "ADDR", "address for lock clients over TLS, host:port; with --listen off the only one", &c.TLSListen)
	f.text("tls-cert", "FILE", "PEM file with the server's certificate, and the intermediate ones after it; "+
		"it is looked at every 30s and on SIGHUP, like the files below. A backup shows it to its primary", &t.Cert)
	f.text("tls-key", "FILE", "PEM file with the key of --tls-cert, which only its owner may read", &t.Key)
	f.text("tls-client-ca", "FILE", "PEM file with the authorities of clients' certificates, which [[cert]] entries of the "+
		"token file give roles to", &t.ClientCA)
	f.add("tls-client", "WORD", "optional", "optional or required: a client without a certificate of --tls-client-ca "+
		"shows a token, or is refused", into(&t.ClientRequired, parseClient))
	f.add("tls-min", "VERSION", "1.3", "lowest version of TLS, 1.2 or 1.3", into(&t.MinVersion, parseTLSVersion))
	f.add("http-tls", "bool", "false", "serve the HTTP address over TLS, with the same files", into(&s.HTTPTLS, parseBool))
	f.text("backup-ca", "FILE", "PEM file with the authorities of the primary's certificate, for --backup-of https://...; "+
		"by default those of the system", &t.BackupCA)
	f.add("insecure-plain", "bool", "false", "let images and promotion cross a network without TLS", into(&s.InsecurePlain, parseBool))
	f.count("tls-max-conns", "most connections over TLS, of those of --max-conns", &c.TLSConnsMax)
}

func parseClient(text string) (required bool, err error) {
	if text != "optional" && text != "required" {
		return false, fmt.Errorf("%q is neither optional nor required", text)
	}
	return text == "required", nil
}

func parseTLSVersion(text string) (uint16, error) {
	switch text {
	case "1.2":
		return tls.VersionTLS12, nil
	case "1.3":
		return tls.VersionTLS13, nil
	}
	return 0, fmt.Errorf("%q is neither 1.2 nor 1.3", text)
}

// withCertificates reads the files of certificates, if there are any, and gives the engine what it
// needs of them.
func (s *Server) withCertificates(origins map[string]string) (problems []error) {
	t := &s.TLSFiles
	if problems = s.validateTLSFiles(origins); len(problems) > 0 {
		return problems
	}
	if t.Cert == "" && t.BackupCA == "" {
		return nil
	}
	t.CheckKey = checkSecretFile
	keeper, err := certs.Open(*t)
	if err != nil {
		return flatten(err)
	}
	s.Certs = keeper
	if t.Cert != "" {
		s.Engine.TLS = keeper.Server(engine.ALPN()...)
	}
	s.Engine.BackupTLS = keeper.Primary
	return nil
}

// validateTLSFiles returns a problem for each file that has no use, or lacks another.
func (s *Server) validateTLSFiles(origins map[string]string) (problems []error) {
	t := &s.TLSFiles
	bad := func(name, format string, args ...any) {
		problems = append(problems, fmt.Errorf("%s: %s", origins[name], fmt.Sprintf(format, args...)))
	}
	switch {
	case t.Cert == "" && t.Key != "":
		bad("tls-key", "a key needs its certificate, --tls-cert")
	case t.Cert != "" && t.Key == "":
		bad("tls-cert", "a certificate needs its key, --tls-key")
	}
	if t.ClientCA != "" && t.Cert == "" {
		bad("tls-client-ca", "clients show certificates to a server that has one: give --tls-cert and --tls-key")
	}
	if t.ClientRequired && t.ClientCA == "" {
		bad("tls-client", "to require certificates of clients, name their authority with --tls-client-ca")
	}
	if t.Cert != "" && !s.servesTLS() {
		bad("tls-cert", "nothing is served over TLS: give --tls-listen or --http-tls")
	}
	if s.HTTPTLS && t.Cert == "" {
		bad("http-tls", "TLS needs a certificate and its key: --tls-cert and --tls-key")
	}
	if t.BackupCA != "" && !strings.HasPrefix(s.Engine.BackupOf, httpsPrefix) {
		bad("backup-ca", "it is for --backup-of %s...", httpsPrefix)
	}
	return problems
}

const httpsPrefix = "https://"

// servesTLS reports whether a certificate of this server has a use.
func (s *Server) servesTLS() bool {
	return s.Engine.TLSListen != "" || s.HTTPTLS || strings.HasPrefix(s.Engine.BackupOf, httpsPrefix)
}

// validatePlain returns a problem if a backup would ask for images over a network without TLS.
// Images have the names of all locks, and whatever answers in the primary's place is believed.
func (s *Server) validatePlain(origins map[string]string) []error {
	primary := durability.PrimaryAddress(s.Engine.BackupOf)
	host, _, err := net.SplitHostPort(primary)
	if s.Engine.BackupOf == "" || err != nil || s.InsecurePlain || strings.HasPrefix(s.Engine.BackupOf, httpsPrefix) {
		return nil
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return []error{fmt.Errorf("%s: images of another machine come over TLS only: give %s%s, and --http-tls to the primary; "+
		"or --insecure-plain to both if the network is yours alone", origins["backup-of"], httpsPrefix, primary)}
}
