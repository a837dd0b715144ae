package durability

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"dlm/engine/snapshot"
)

// primaryHTTP fetches from a primary's HTTP side. A transfer that broke off is
// resumed if the primary still has that image.
type primaryHTTP struct {
	base, token string
	findAdmin   func(addr string) string // of Config
	tls         func() *tls.Config       // of Config
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
	res, err := do(p.client, req)
	if err != nil {
		return got, err
	}
	defer func() { _ = res.Body.Close() }() // it was only read
	if res.Header.Get(HeaderRole) == RoleOfBackup {
		return got, fmt.Errorf("%s is a backup, or this server itself: follow its primary", p.base)
	}
	got.address = addressOf(res.Header.Get(HeaderAddress), p.base)
	if ms, err := strconv.ParseInt(res.Header.Get(HeaderAge), 10, 64); err == nil && ms >= 0 {
		// The answer took some time, so the time is not later than this.
		got.asOf = asked.Add(-time.Duration(min(ms, ageMaxMs)) * time.Millisecond)
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
		return got, fmt.Errorf("%s answers %s: %s", p.base, res.Status, adviseScheme(strings.TrimSpace(string(text))))
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

// stepDown shows the token that a primary without tokens has made for itself, if it is known
// here, and else, or if that is of another server, the admin's. A backup with a certificate shows
// that alone, so that no right of the admin's goes to another machine.
func (p *primaryHTTP) stepDown(ctx context.Context, token string) (string, error) {
	if p.tls != nil && strings.HasPrefix(p.base, "https://") && len(p.tls().Certificates) > 0 {
		return p.stepDownBy(ctx, "")
	}
	if p.findAdmin != nil {
		_, addr, _ := strings.Cut(p.base, "://")
		if own := p.findAdmin(addr); own != "" {
			if last, err := p.stepDownBy(ctx, own); !errors.Is(err, errTokenRefused) {
				return last, err
			}
		}
	}
	return p.stepDownBy(ctx, token)
}

// errTokenRefused says that a primary does not take a token for that of an admin.
var errTokenRefused = errors.New("give both servers the same admin token, or run them as the same user without tokens; " +
	"over https, give the name in this backup's certificate the role backup in the primary's token file")

func (p *primaryHTTP) stepDownBy(ctx context.Context, token string) (string, error) {
	req, err := p.request(ctx, http.MethodPost, "/depose", token)
	if err != nil {
		return "", refusal{err}
	}
	client := http.Client{
		// Each try has a connection of its own: a primary that was restarted refuses it.
		Transport: &http.Transport{DialContext: (&net.Dialer{Timeout: dialWait}).DialContext,
			DialTLSContext: dialTLS(p.tls, dialWait), DisableKeepAlives: true},
		CheckRedirect: asIs,
	}
	res, err := do(&client, req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return "", errGone
	}
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(res.Body, 1000))
	last := adviseScheme(strings.TrimSpace(string(text)))
	switch {
	case err != nil:
	case res.StatusCode == http.StatusServiceUnavailable: // it stops by itself
		err = fmt.Errorf("%s answers %s: %s", p.base, res.Status, last)
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden:
		err = refusal{fmt.Errorf("%s answers %s: %s: %w", p.base, res.Status, last, errTokenRefused)}
	case res.StatusCode != http.StatusOK:
		err = refusal{fmt.Errorf("%s answers %s: %s", p.base, res.Status, last)}
	case !snapshot.IsName(last): // whatever answers there is no dlm
		err = refusal{fmt.Errorf("%s does not answer like a primary: %.100q", p.base, last)}
	}
	return last, err
}

// asIs makes an HTTP client take a redirect for the answer.
func asIs(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
