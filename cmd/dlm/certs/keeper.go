package certs

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// lookEvery is the time between two looks at the files. A renewed certificate is there days before
// the old one ends, so it need not be found sooner. SIGHUP looks immediately.
const lookEvery = 30 * time.Second

// soon is how long before its end a certificate is worth a warning. Tools that renew certificates
// do it earlier.
const soon = 3 * 24 * time.Hour

// Keeper has the certificates of the files. Open makes it. Any goroutine may use it.
type Keeper struct {
	files   Files
	current atomic.Pointer[state]
	reloads atomic.Uint64 // new contents that are used
	refused atomic.Uint64 // new contents that were not

	mu      sync.Mutex
	seen    [sha256.Size]byte // contents of the last look; guarded by mu
	problem error             // of these contents, nil if they are used; guarded by mu
}

// Open reads the files. A certificate that has ended is used, because clients decide whether they
// believe it.
func Open(files Files) (*Keeper, error) {
	k := &Keeper{files: files}
	texts, err := files.read()
	if err != nil {
		return nil, err
	}
	s, err := files.parse(texts)
	if err != nil {
		return nil, err
	}
	k.seen = texts.sum()
	k.current.Store(s)
	return k, nil
}

// WarnOfEnds logs which certificates have ended, or will within soon.
func (k *Keeper) WarnOfEnds(log *slog.Logger) {
	for _, end := range k.current.Load().ends {
		switch left := time.Until(end.At); {
		case left <= 0:
			log.Warn("a certificate has ended: its peers refuse it", "event", "certificate-ended", "use", end.Use, "ended", end.At.UTC().Format(time.RFC3339))
		case left <= soon:
			log.Warn("a certificate ends soon: renew it", "event", "certificate-ends", "use", end.Use, "ends", end.At.UTC().Format(time.RFC3339))
		}
	}
}

// Look reads the files again and uses them if they have changed and fit each other. If not, it
// returns the problem, once for each change, and the old state stays.
func (k *Keeper) Look() (changed bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	texts, err := k.files.read()
	sum := texts.sum()
	if err != nil {
		sum = sha256.Sum256([]byte(err.Error()))
	}
	if sum == k.seen {
		return false, nil
	}
	k.seen = sum
	var next *state
	if err == nil {
		next, err = k.files.parse(texts)
	}
	if err == nil {
		err = next.worseThan(k.current.Load(), time.Now())
	}
	if err != nil {
		k.refused.Add(1)
		k.problem = err
		return false, err
	}
	k.reloads.Add(1)
	k.problem = nil
	k.current.Store(next)
	return true, nil
}

// Reload is Look, and logs what it has found. If somebody has asked for the look, it also logs that
// the files are as they were. found, if not nil, is called for a change.
func (k *Keeper) Reload(log *slog.Logger, found func(err error), asked bool) {
	changed, err := k.Look()
	if found != nil && (changed || err != nil) {
		found(err)
	}
	if asked && err == nil {
		err = k.lastProblem()
	}
	switch {
	case err != nil:
		log.Error("the certificate files have mistakes: the previous certificates stay", "event", "cert-reload-failed", "error", err.Error())
	case changed || asked:
		log.Info("certificates read again", "event", "cert-reload", "changed", changed, "ends", k.firstEnd().UTC().Format(time.RFC3339))
		k.WarnOfEnds(log)
	}
}

// lastProblem returns the problem of the files as they are, nil if they are used.
func (k *Keeper) lastProblem() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.problem
}

// Run is Reload at intervals, until ctx ends.
func (k *Keeper) Run(ctx context.Context, log *slog.Logger, found func(err error)) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			k.Reload(log, found, false)
		}
	}
}

// Server returns the settings of a port whose clients may offer these protocols. A connection
// gets the certificate that is current when it begins.
func (k *Keeper) Server(protocols ...string) *tls.Config {
	type made struct {
		of     *state
		config *tls.Config
	}
	var last atomic.Pointer[made]
	return &tls.Config{
		MinVersion: k.files.minVersion(),
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			s := k.current.Load()
			m := last.Load()
			if m == nil || m.of != s { // session tickets belong to one of these
				m = &made{s, k.files.serverConfig(s, protocols)}
				last.Store(m)
			}
			return m.config, nil
		},
	}
}

// Primary returns the settings with which a backup asks its primary now: it believes the CA of
// --backup-ca, or those of the system, and shows the certificate of this server.
func (k *Keeper) Primary() *tls.Config {
	s := k.current.Load()
	c := &tls.Config{MinVersion: k.files.minVersion(), RootCAs: s.backupCA}
	if s.pair != nil {
		c.Certificates = []tls.Certificate{*s.pair}
	}
	return c
}

// Stats says what became of the files, for metrics.
type Stats struct {
	Ends           []End
	Reloads        uint64 // changes that are used
	ReloadsRefused uint64 // changes with mistakes
}

// Stats returns the counters.
func (k *Keeper) Stats() Stats {
	return Stats{Ends: k.current.Load().ends, Reloads: k.reloads.Load(), ReloadsRefused: k.refused.Load()}
}

// firstEnd returns when the first of the certificates ends.
func (k *Keeper) firstEnd() time.Time {
	ends := k.current.Load().ends
	return slices.MinFunc(ends, func(a, b End) int { return a.At.Compare(b.At) }).At
}

// worseThan returns a problem if a certificate has ended that has a successor which has not.
func (s *state) worseThan(old *state, now time.Time) error {
	var problems []error
	for _, end := range s.ends {
		before := slices.IndexFunc(old.ends, func(o End) bool { return o.Use == end.Use })
		if now.After(end.At) && before >= 0 && now.Before(old.ends[before].At) {
			problems = append(problems, fmt.Errorf("the new certificate (%s) ended on %s, and the old one has not",
				end.Use, end.At.UTC().Format(time.RFC3339)))
		}
	}
	return errors.Join(problems...)
}
