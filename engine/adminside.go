package engine

import (
	"errors"
	"fmt"
	"time"

	"dlm/engine/auth"
	"dlm/engine/snapshot"
)

// Unready returns why clients should not be sent here; empty: they can.
func (e *Engine) Unready() (reasons []string) {
	if e.draining.Load() {
		reasons = append(reasons, "stopping")
	}
	if f := e.follower.Load(); f != nil {
		reasons = append(reasons, "a backup: "+f.describe())
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.err != nil {
			reasons = append(reasons, "the last image could not be fetched: "+oneLine(f.err))
		}
	}
	if s, ok := e.ImageState(); ok && s.Err != nil {
		reasons = append(reasons, fmt.Sprintf("the last image could not be written: %s", oneLine(s.Err)))
	}
	return reasons
}

// Follows tells whether the server is a backup.
func (e *Engine) Follows() bool { return e.follower.Load() != nil }

// KeepsImages reports whether the server has images, or will: false in memory mode.
func (e *Engine) KeepsImages() bool { return e.imager.Load() != nil || e.follower.Load() != nil }

// Identify returns the role of a token, or of somebody who shows none: without any token
// configured everybody, on loopback, may look and fetch images. Nobody is an admin without a token.
func (e *Engine) Identify(token string) (name string, role auth.Role) {
	a := e.authority.Load()
	if id, ok := a.Identify([]byte(token)); ok {
		return id.Name, id.Role
	}
	if !a.Required() && token == "" {
		return "anybody", auth.RoleBackup
	}
	return "", auth.RoleNone
}

// NewestImage returns the path of the newest image, its ETag, and how long ago the table was
// known to be as in it; path is empty if there is none.
func (e *Engine) NewestImage() (path, etag string, age time.Duration) {
	if rec := e.served.Load(); rec.dir != nil && errors.Is(rec.dir.Check(), snapshot.ErrLost) {
		return "", "", 0 // what has the name is another table's. A stop has closed the lock file: that is no loss
	}
	if s, ok := e.ImageState(); ok && s.Path != "" {
		return s.Path, s.Header.ETag(), time.Since(s.AsOf)
	}
	if rec := e.served.Load(); rec.from != "" { // a start's first image is not written yet, or this is a backup
		return rec.dir.Path() + "/" + rec.from, rec.header.ETag(), rec.staleness()
	}
	return "", "", 0
}
