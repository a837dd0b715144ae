package engine

import (
	"context"
	"time"

	"dlm/engine/auth"
	"dlm/engine/durability"
)

// Unready returns the reasons why clients should not be sent here. If empty, they can be.
func (e *Engine) Unready() (reasons []string) {
	if e.draining.Load() {
		reasons = append(reasons, "stopping")
	}
	return append(reasons, e.store.Unready()...)
}

// Follows reports whether the server is a backup.
func (e *Engine) Follows() bool { return e.store.State().Follows() }

// KeepsImages reports whether the server has images, or will: false in memory mode.
func (e *Engine) KeepsImages() bool { return e.store.State().Role != durability.Memory }

// Durability says in one line what a crash would cost, and what was recovered.
func (e *Engine) Durability() string { return e.store.Describe() }

// Promote makes a backup the primary, see durability.Store.
func (e *Engine) Promote(ctx context.Context, how durability.PromoteRequest) (string, error) {
	return e.store.Promote(ctx, how)
}

// StepDown stops the server for good, because a backup takes over, see durability.Store.
func (e *Engine) StepDown(ctx context.Context, successor string) (last string, err error) {
	return e.store.StepDown(ctx, successor)
}

// WaitSuccessor waits until the backup that takes over has had time to fetch the last image.
func (e *Engine) WaitSuccessor(fetched <-chan struct{}) { e.store.WaitSuccessor(fetched) }

// NewestImage returns the path of the newest image, its ETag, and how long ago the table was known
// to be as in it. The path is empty if there is no image.
func (e *Engine) NewestImage() (path, etag string, age time.Duration) { return e.store.NewestImage() }

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
