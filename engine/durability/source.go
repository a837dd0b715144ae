package durability

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"dlm/engine/snapshot"
)

const (
	fetchName  = "fetched.partial" // an image that is being fetched
	answerWait = 10 * time.Second  // for a primary's first byte
	ageMaxMs   = 1 << 40           // of an image, as told by a primary: 35 years
	stallMax   = 30 * time.Second  // without a byte of an image
	dialWait   = 5 * time.Second   // for a connection to a primary that is to stop
	addressMax = 300               // bytes of an address: a name has at most 253
)

// HTTP headers between a backup and its primary.
const (
	// HeaderBackup of a request is the backup's own Lineage.
	HeaderBackup = "Dlm-Backup"
	// HeaderAge of an answer is how long ago the table was known to be as in the newest image.
	HeaderAge = "Dlm-Image-Age-Ms"
	// HeaderAddress of an answer is where clients of locks reach the primary: host:port, or :port
	// if it is the host that was asked. Empty: not known.
	HeaderAddress = "Dlm-Address"
	// HeaderRole of an image is RoleOfBackup if its server is a backup itself.
	HeaderRole   = "Dlm-Role"
	RoleOfBackup = "backup"
)

// source is where a backup gets images from.
type source interface {
	// fetch brings an image newer than have into the directory, under a name of its own choice.
	fetch(ctx context.Context, have *snapshot.Header, dir string) (fetched, error)
	// stepDown makes the primary stop for good, by the right of an admin's token, and returns the
	// name of the last image, if it has written one. errGone: there is no primary any more.
	stepDown(ctx context.Context, token string) (last string, err error)
}

// fetched is the answer of a source.
type fetched struct {
	path string // of a newer image; empty: there is none
	// asOf is when the primary's table was known to be as in its newest image; zero: not known.
	asOf time.Time
	// address is where clients of locks reach the primary, host:port; empty: not known.
	address string
}

// errGone says that a primary is certainly not running.
var errGone = errors.New("the primary is gone")

// newSource returns the source that BackupOf names: a directory, or the HTTP
// address of a primary. The backup names itself by id.
func newSource(cfg *Settings, id snapshot.Lineage) source {
	base, isDir := parseBackupOf(cfg.BackupOf)
	if isDir {
		return sharedDir{cfg.BackupOf, id}
	}
	transport := &http.Transport{DialContext: (&net.Dialer{Timeout: answerWait}).DialContext,
		DialTLSContext:        dialTLS(cfg.BackupTLS, answerWait),
		ResponseHeaderTimeout: answerWait, MaxIdleConns: 1, IdleConnTimeout: time.Minute,
		// An image is taken as it lies there: a small answer must not become a large file.
		DisableCompression: true}
	return &primaryHTTP{base: base, id: id, token: cfg.BackupToken, findAdmin: cfg.FindAdmin, tls: cfg.BackupTLS,
		client: &http.Client{Transport: transport, CheckRedirect: asIs}}
}

// dialTLS returns the function that connects over TLS, with the settings of that moment. It returns
// nil if the system's settings apply.
func dialTLS(settings func() *tls.Config, wait time.Duration) func(ctx context.Context, network, addr string) (net.Conn, error) {
	if settings == nil {
		return nil
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		return (&tls.Dialer{Config: settings()}).DialContext(ctx, network, addr)
	}
}

// parseBackupOf returns the URL of a primary, or says that a directory is meant.
func parseBackupOf(text string) (base string, isDir bool) {
	base = strings.TrimRight(text, "/")
	if strings.Contains(base, "://") {
		return base, false
	}
	if strings.Contains(text, "/") {
		if _, _, err := net.SplitHostPort(base); err != nil || strings.Contains(base, "/") {
			return "", true
		}
	}
	return "http://" + base, false
}

// PrimaryAddress returns the host:port that BackupOf names; empty if it names none or a directory.
func PrimaryAddress(backupOf string) string {
	base, isDir := parseBackupOf(backupOf)
	u, err := url.Parse(base)
	switch {
	case isDir || err != nil || u.Hostname() == "":
		return ""
	case u.Port() != "":
		return u.Host
	case u.Scheme == "https":
		return net.JoinHostPort(u.Hostname(), "443")
	}
	return net.JoinHostPort(u.Hostname(), "80")
}

// addressOf returns the address of a primary that its answer names. A port alone is one of the host
// of base, which was asked. It returns "" for what is no address.
func addressOf(header, base string) string {
	host, port, err := net.SplitHostPort(header)
	if err != nil || port == "" || len(header) > addressMax {
		return ""
	}
	if host == "" {
		u, err := url.Parse(base)
		if err != nil {
			return ""
		}
		host = u.Hostname()
	}
	return net.JoinHostPort(host, port)
}

// receive stores a body that must not stall. After an error the received part stays, to be resumed.
func receive(path string, flags int, body io.ReadCloser) error {
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return err
	}
	stalled := time.AfterFunc(stallMax, func() { _ = body.Close() })
	defer stalled.Stop()
	_, err = io.Copy(f, &watchedReader{body, stalled})
	return errors.Join(err, f.Close())
}

// watchedReader puts a timer off with each read.
type watchedReader struct {
	io.Reader
	timer *time.Timer
}

func (w *watchedReader) Read(b []byte) (int, error) {
	w.timer.Reset(stallMax)
	return w.Reader.Read(b)
}
