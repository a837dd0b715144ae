package certs

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"dlm/cmd/dlm/files"
)

// fileMax is the most bytes of a file with certificates. A bundle of all public CAs has 200 KB.
const fileMax = 4 << 20

// The settings that name the files. Problems begin with them.
const (
	optionCert     = "--tls-cert"
	optionKey      = "--tls-key"
	optionClientCA = "--tls-client-ca"
	optionBackupCA = "--backup-ca"
)

// Files names the files of a server, all of them PEM. An empty name means that there is none.
type Files struct {
	Cert, Key string // of this server; both or none. Cert may have intermediate certificates
	ClientCA  string // whose certificates of clients are believed
	BackupCA  string // whose certificate of the primary is believed

	ClientRequired bool   // a client must show a certificate of ClientCA
	MinVersion     uint16 // of TLS; 0: 1.3

	// CheckKey returns a problem if others than the owner may use the file of the key.
	CheckKey func(path string, info fs.FileInfo) error
}

func (f *Files) minVersion() uint16 {
	if f.MinVersion == 0 {
		return tls.VersionTLS13
	}
	return f.MinVersion
}

// contents holds the bytes of the files.
type contents struct{ cert, key, clientCA, backupCA []byte }

// sum returns a hash of all of them.
func (c *contents) sum() (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, text := range [][]byte{c.cert, c.key, c.clientCA, c.backupCA} {
		one := sha256.Sum256(text)
		h.Write(one[:])
	}
	return [sha256.Size]byte(h.Sum(sum[:0]))
}

// read reads the files that have a name.
func (f *Files) read() (c contents, err error) {
	var problems []error
	for _, file := range []struct {
		option, path string
		text         *[]byte
		check        func(string, fs.FileInfo) error
	}{{optionCert, f.Cert, &c.cert, nil}, {optionKey, f.Key, &c.key, f.CheckKey},
		{optionClientCA, f.ClientCA, &c.clientCA, nil}, {optionBackupCA, f.BackupCA, &c.backupCA, nil}} {
		if file.path == "" {
			continue
		}
		if *file.text, err = readFile(file.path, file.check); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", file.option, files.Explain(err)))
		}
	}
	return c, errors.Join(problems...)
}

// readFile reads a file whose mode passes the check.
func readFile(path string, check func(string, fs.FileInfo) error) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	info, err := file.Stat()
	if err == nil && check != nil {
		err = check(path, info)
	}
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, fileMax+1))
	if err == nil && len(text) > fileMax {
		err = fmt.Errorf("%s: it has more than %d bytes", path, fileMax)
	}
	return text, err
}

// state is what a set of files says. It is immutable.
type state struct {
	pair               *tls.Certificate // nil: this server has none
	clientCA, backupCA *x509.CertPool   // nil: none
	ends               []End
}

// End is when a certificate ends.
type End struct {
	Use string // server, client_ca or backup_ca; of several certificates the first end counts
	At  time.Time
}

// parse makes a state of files that fit each other.
func (f *Files) parse(c contents) (*state, error) {
	s := new(state)
	var problems []error
	if f.Cert != "" {
		pair, err := tls.X509KeyPair(c.cert, c.key)
		if err != nil {
			problems = append(problems, f.pairProblem(c, err))
		} else {
			s.pair = &pair
			s.ends = append(s.ends, End{"server", pair.Leaf.NotAfter})
		}
	}
	for _, ca := range []struct {
		option, path, use string
		text              []byte
		pool              **x509.CertPool
	}{{optionClientCA, f.ClientCA, "client_ca", c.clientCA, &s.clientCA}, {optionBackupCA, f.BackupCA, "backup_ca", c.backupCA, &s.backupCA}} {
		if ca.path == "" {
			continue
		}
		pool, end, err := parseCA(ca.text)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %s: %w", ca.option, ca.path, err))
			continue
		}
		*ca.pool = pool
		s.ends = append(s.ends, End{ca.use, end})
	}
	return s, errors.Join(problems...)
}

// pairProblem returns what is wrong with the pair that crypto/tls refuses, and what to do.
func (f *Files) pairProblem(c contents, err error) error {
	for _, file := range []struct {
		path, wanted, option, other string
		text                        []byte
	}{
		{f.Cert, "CERTIFICATE", optionCert, optionKey, c.cert},
		{f.Key, "PRIVATE KEY", optionKey, optionCert, c.key},
	} {
		kinds := blocks(file.text)
		switch {
		case len(file.text) == 0:
			return fmt.Errorf("%s: %s: the file is empty: write a %s into it, as PEM", file.option, file.path, strings.ToLower(file.wanted))
		case len(kinds) == 0:
			return fmt.Errorf("%s: %s: no PEM in it: a file that begins with -----BEGIN is wanted", file.option, file.path)
		case !slices.ContainsFunc(kinds, func(kind string) bool { return strings.HasSuffix(kind, file.wanted) }):
			return fmt.Errorf("%s: %s: a block %q in it, but no %s: has it been swapped with the file of %s?",
				file.option, file.path, kinds[0], file.wanted, file.other)
		}
	}
	return fmt.Errorf("%s %s and %s %s: %w: give the key with which this certificate was asked for",
		optionCert, f.Cert, optionKey, f.Key, err)
}

// blocks returns the types of the PEM blocks in a file.
func blocks(text []byte) (kinds []string) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		kinds = append(kinds, block.Type)
	}
	return kinds
}

// parseCA returns the certificates of a file and the first end of them. It refuses a file with
// anything else in it, because a part that is left out silently locks clients out.
func parseCA(text []byte) (pool *x509.CertPool, end time.Time, err error) {
	pool = x509.NewCertPool()
	n := 0
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, end, fmt.Errorf("a block %q in it: only certificates belong here", block.Type)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, end, fmt.Errorf("certificate %d: %w", n+1, err)
		}
		pool.AddCert(cert)
		if n == 0 || cert.NotAfter.Before(end) {
			end = cert.NotAfter
		}
		n++
	}
	if n == 0 {
		return nil, end, errors.New("no certificate in it: PEM is wanted")
	}
	return pool, end, nil
}

// serverConfig returns the settings of a port for one state.
func (f *Files) serverConfig(s *state, protocols []string) *tls.Config {
	c := &tls.Config{
		Certificates: []tls.Certificate{*s.pair},
		MinVersion:   f.minVersion(),
		NextProtos:   protocols,
		// A reply that has left in one piece is counted as one.
		DynamicRecordSizingDisabled: true,
	}
	if s.clientCA != nil {
		c.ClientCAs = s.clientCA
		c.ClientAuth = tls.VerifyClientCertIfGiven
		if f.ClientRequired {
			c.ClientAuth = tls.RequireAndVerifyClientCert
		}
	}
	return c
}
