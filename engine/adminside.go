package engine

import (
	"errors"
	"fmt"
	"time"

	"dlm/engine/auth"
	"dlm/engine/snapshot"
)

// Unready returns the reasons why clients should not be sent here. If empty, they can be.
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

// Follows reports whether the server is a backup.
func (e *Engine) Follows() bool { return e.follower.Load() != nil }

// KeepsImages reports whether the server has images or will have some. It is false in memory mode.
func (e *Engine) KeepsImages() bool { return e.imager.Load() != nil || e.follower.Load() != nil }

// Identify returns the name and role of a token, or of a visitor without one. If no token is
// configured, everybody on loopback may look and fetch images. Nobody is an admin without a token.
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

// NewestImage returns the path of the newest image, its ETag, and how long ago the table was known
// to equal it. The path is "" if there is none.
func (e *Engine) NewestImage() (path, etag string, age time.Duration) {
	if rec := e.served.Load(); rec.dir != nil && errors.Is(rec.dir.Check(), snapshot.ErrLost) {
		// the name belongs to another table. A stop has closed the lock file: that is not a loss
		return "", "", 0
	}
	if s, ok := e.ImageState(); ok && s.Path != "" {
		return s.Path, s.Header.ETag(), time.Since(s.AsOf)
	}
	// the first image of this start is not written yet, or this is a backup
	if rec := e.served.Load(); rec.from != "" {
		return rec.dir.Path() + "/" + rec.from, rec.header.ETag(), rec.staleness()
	}
	return "", "", 0
}
