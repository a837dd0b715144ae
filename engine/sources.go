package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"dlm/engine/snapshot"
)

const (
	fetchName  = "fetched.partial" // an image on its way
	answerWait = 10 * time.Second  // for a primary's first byte
	ageMaxMs   = 1 << 40           // of an image, as told by a primary: 35 years
	stallMax   = 30 * time.Second  // without a byte of an image
	dialWait   = 5 * time.Second   // for a connection to a primary that is to stop
)

// HTTP headers between a backup and its primary.
const (
	HeaderBackup = "Dlm-Backup"       // of a request: the backup's own Lineage
	HeaderAge    = "Dlm-Image-Age-Ms" // of an answer: how long before it the table was known to be as in the newest image
	HeaderRole   = "Dlm-Role"         // of an image: RoleOfBackup, if its server is none that decides
	RoleOfBackup = "backup"
)

// newSource returns the source that BackupOf names: a directory, or the HTTP
// address of a primary. The backup names itself by id.
func newSource(cfg *Config, id snapshot.Lineage) source {
	base, isDir := parseBackupOf(cfg.BackupOf)
	if isDir {
		return sharedDir{cfg.BackupOf, id}
	}
	transport := &http.Transport{DialContext: (&net.Dialer{Timeout: answerWait}).DialContext,
		ResponseHeaderTimeout: answerWait, MaxIdleConns: 1, IdleConnTimeout: time.Minute,
		// An image is taken as it lies there: a small answer must not become a large file.
		DisableCompression: true}
	return &primaryHTTP{base: base, id: id, token: cfg.BackupToken, findAdmin: cfg.FindAdmin,
		client: &http.Client{Transport: transport, CheckRedirect: asIs}}
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

// PrimaryAddress returns the host:port that BackupOf names; empty if it is a directory.
func PrimaryAddress(backupOf string) string {
	base, isDir := parseBackupOf(backupOf)
	u, err := url.Parse(base)
	switch {
	case isDir || err != nil:
		return ""
	case u.Port() != "":
		return u.Host
	case u.Scheme == "https":
		return net.JoinHostPort(u.Hostname(), "443")
	}
	return net.JoinHostPort(u.Hostname(), "80")
}

// primaryHTTP fetches from a primary's HTTP side. A transfer that broke off is
// resumed if the primary still has that image.
type primaryHTTP struct {
	base, token string
	findAdmin   func(addr string) string // of Config
	id          snapshot.Lineage
	client      *http.Client
	etag        string // of what lies in fetchName; empty: nothing
}

func (p *primaryHTTP) request(ctx context.Context, method, path, token string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, p.base+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set(HeaderBackup, p.id.String())
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req, nil
}

func (p *primaryHTTP) fetch(ctx context.Context, have *snapshot.Header, dir string) (got fetched, err error) {
	asked := time.Now()
	req, err := p.request(ctx, http.MethodGet, "/snapshot", p.token)
	if err != nil {
		return got, err
	}
	if have != nil {
		req.Header.Set("If-None-Match", have.ETag())
	}
	path, has := filepath.Join(dir, fetchName), int64(0)
	if info, err := os.Stat(path); err == nil && p.etag != "" {
		has = info.Size()
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", has))
		req.Header.Set("If-Range", p.etag)
	}
	res, err := p.client.Do(req)
	if err != nil {
		return got, err
	}
	defer func() { _ = res.Body.Close() }() // it was only read
	if res.Header.Get(HeaderRole) == RoleOfBackup {
		return got, fmt.Errorf("%s is a backup itself, or this very server: follow its primary", p.base)
	}
	if ms, err := strconv.ParseInt(res.Header.Get(HeaderAge), 10, 64); err == nil && ms >= 0 {
		got.asOf = asked.Add(-time.Duration(min(ms, ageMaxMs)) * time.Millisecond) // not later: the answer took some time
	}
	flags := os.O_WRONLY | os.O_CREATE
	switch res.StatusCode {
	case http.StatusNotModified, http.StatusNoContent:
		return got, nil
	case http.StatusPartialContent:
		flags |= os.O_APPEND
	case http.StatusOK:
		flags |= os.O_TRUNC
	default:
		p.etag = ""
		text, _ := io.ReadAll(io.LimitReader(res.Body, 200)) // for the message only
		return got, fmt.Errorf("%s answers %s: %s", p.base, res.Status, strings.TrimSpace(string(text)))
	}
	if err := checkBody(res, has, dir); err != nil {
		p.etag = ""
		return got, fmt.Errorf("%s: %w", p.base, err)
	}
	p.etag = res.Header.Get("ETag")
	if err := receive(path, flags, res.Body); err != nil {
		return got, err
	}
	p.etag = ""
	got.path = path
	return got, nil
}

// receive stores a body that must not stall. What has come stays, to be resumed.
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

// depose shows the token that a primary without tokens has made for itself, if it is known
// here, and else, or if that is of another server, the admin's.
func (p *primaryHTTP) depose(ctx context.Context, token string) (string, error) {
	if p.findAdmin != nil {
		if own := p.findAdmin(strings.TrimPrefix(p.base, "http://")); own != "" {
			if last, err := p.deposeBy(ctx, own); !errors.Is(err, errTokenRefused) {
				return last, err
			}
		}
	}
	return p.deposeBy(ctx, token)
}

// errTokenRefused says that a primary does not take a token for that of an admin.
var errTokenRefused = errors.New("give both servers one token with the role admin, or run them as one user without any")

func (p *primaryHTTP) deposeBy(ctx context.Context, token string) (string, error) {
	req, err := p.request(ctx, http.MethodPost, "/depose", token)
	if err != nil {
		return "", refusal{err}
	}
	client := http.Client{
		// Each try has a connection of its own: a primary that was restarted refuses it.
		Transport:     &http.Transport{DialContext: (&net.Dialer{Timeout: dialWait}).DialContext, DisableKeepAlives: true},
		CheckRedirect: asIs,
	}
	res, err := client.Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return "", errGone
	}
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(res.Body, 1000))
	last := strings.TrimSpace(string(text))
	switch {
	case err != nil:
	case res.StatusCode == http.StatusServiceUnavailable: // it stops by itself
		err = fmt.Errorf("%s answers %s: %s", p.base, res.Status, last)
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden:
		err = refusal{fmt.Errorf("%s answers %s: %s: %w", p.base, res.Status, last, errTokenRefused)}
	case res.StatusCode != http.StatusOK:
		err = refusal{fmt.Errorf("%s answers %s: %s", p.base, res.Status, last)}
	case !snapshot.IsName(last): // whatever answers there is no dlm
		err = refusal{fmt.Errorf("%s answers what no primary does: %.100q", p.base, last)}
	}
	return last, err
}

// asIs makes an HTTP client take a redirect for the answer.
func asIs(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// sharedDir is a primary's data directory that both can reach.
type sharedDir struct {
	path string
	id   snapshot.Lineage // of the backup
}

// check returns why no image for this backup can come from the directory; nil: it is that of a
// primary, or of one that has handed over to this backup.
func (d sharedDir) check() error {
	start, err := snapshot.ReadStart(d.path)
	switch {
	case err != nil:
		return err
	case start.Role == snapshot.Following:
		return fmt.Errorf("%s is the directory of a backup: follow its primary", d.path)
	case start.Role == snapshot.Deposed && start.Taker != d.id && start.Taker != snapshot.Lineage{}:
		return fmt.Errorf("another backup has taken over from %s: follow that one", d.path)
	}
	return nil
}

func (d sharedDir) fetch(_ context.Context, have *snapshot.Header, dir string) (got fetched, err error) {
	switch err := d.check(); {
	case errors.Is(err, fs.ErrNotExist):
		return got, fmt.Errorf("%s is no data directory: no server has started with it (%w)", d.path, err)
	case err != nil:
		return got, err
	}
	names, err := snapshot.Images(d.path)
	if err != nil || len(names) == 0 {
		return got, err
	}
	from, err := os.Open(filepath.Join(d.path, names[0]))
	if err != nil {
		return got, err
	}
	defer func() { _ = from.Close() }() // it was only read
	info, err := from.Stat()
	if err != nil {
		return got, err
	}
	got.asOf = info.ModTime()
	if have != nil && names[0] == snapshot.FileName(have.Start, have.Number) {
		return got, nil
	}
	if err := checkRoom(info.Size(), dir); err != nil {
		return got, err
	}
	path := filepath.Join(dir, fetchName)
	if err := receive(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, from); err != nil {
		return got, err
	}
	got.path = path
	return got, nil
}

// depose takes the lock of the directory, which the primary holds while it runs,
// and makes sure that it is not started again.
func (d sharedDir) depose(context.Context, string) (string, error) {
	dir, err := snapshot.OpenDir(d.path)
	if err != nil {
		return "", err
	}
	start, err := snapshot.ReadStart(dir.Path())
	switch {
	case err != nil:
	case start.Role == snapshot.Following:
		err = refusal{fmt.Errorf("%s is the directory of a backup: that its server stopped says nothing of the primary", d.path)}
	case start.Role == snapshot.Deposed && start.Taker != d.id && start.Taker != snapshot.Lineage{}:
		err = refusal{fmt.Errorf("another backup has taken over from %s", d.path)}
	default:
		start.Role, start.Taker = snapshot.Deposed, d.id
		err = dir.WriteStart(&start)
	}
	return start.CleanImage, errors.Join(err, dir.Close())
}
