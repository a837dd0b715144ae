package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"dlm/codec"
	"dlm/engine/audit"
	"dlm/engine/auth"
	"dlm/engine/durability"
)

// A change of the primary has two forms. POST /promote and /depose are for `dlm promote` and for
// backups: they answer a line of text, and progress before it. Under /api/v1/ both take and answer
// JSON, as all acts of admins do.

// promoteWaitMax is how long the old primary may be asked to stop.
const promoteWaitMax = snapshotMax / 2

func (s *Server) promote(w http.ResponseWriter, r *http.Request) {
	who, ok := s.permit(w, r, auth.RoleAdmin)
	if !ok || !s.private(w, r) {
		return
	}
	how := durability.PromoteRequest{OldIsDead: r.URL.Query().Get("old_is_dead") == "true", Token: bearer(r), Progress: progress(w, r)}
	if text := r.URL.Query().Get("timeout"); text != "" {
		var err error
		if how.Wait, err = time.ParseDuration(text); err != nil || how.Wait <= 0 || how.Wait > promoteWaitMax {
			answer(w, http.StatusBadRequest, fmt.Sprintf("timeout: %.40q is no time above zero and up to %v, such as 30s", text, promoteWaitMax))
			return
		}
	}
	// A backup takes seconds to load a large image.
	longer(w)
	noteEnd, ok := s.beginAudit(r.Context(), audit.Record{Event: audit.Promote, By: who, From: r.RemoteAddr})
	if !ok {
		refuseUnaudited(w)
		return
	}
	line, err := s.engine.Promote(context.WithoutCancel(r.Context()), how)
	if noteEnd(err); err != nil {
		answer(w, http.StatusConflict, err.Error())
		return
	}
	answer(w, http.StatusOK, line)
}

func (s *Server) stepDown(w http.ResponseWriter, r *http.Request) {
	who, ok := s.mayStepDown(w, r)
	if !ok || !s.private(w, r) {
		return
	}
	longer(w)
	noteEnd, ok := s.beginAudit(r.Context(), audit.Record{Event: audit.StepDown, By: who, From: r.RemoteAddr})
	if !ok {
		refuseUnaudited(w)
		return
	}
	successor := r.Header.Get(durability.HeaderBackup) // empty: a person asks by hand
	last, err := s.engine.StepDown(context.WithoutCancel(r.Context()), successor)
	noteEnd(err)
	if errors.Is(err, durability.ErrStopping) {
		w.Header().Set("Retry-After", "1")
		answer(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	if err != nil {
		answer(w, http.StatusConflict, err.Error())
		return
	}
	s.successor.Store(&successor)
	answer(w, http.StatusOK, last)
}

// promoteRequest is the body of POST promote.
type promoteRequest struct {
	OldIsDead bool   `json:"old_is_dead"` // the old primary is not asked
	TimeoutMs int64  `json:"timeout_ms"`  // for the old primary to stop; 0: durability.PromoteWait
	Reason    string `json:"reason"`
}

// promoteAnswer tells what the new primary serves.
type promoteAnswer struct {
	Durability string `json:"durability"`
}

// apiPromote makes this backup the primary.
func (s *Server) apiPromote(c *call) (any, error) {
	var in promoteRequest
	if err := decodeBody(c, &in); err != nil {
		return nil, err
	}
	if in.TimeoutMs < 0 || in.TimeoutMs > promoteWaitMax.Milliseconds() {
		return nil, refuse(codec.BadArg, "timeout_ms must be a number from 0 to %d", promoteWaitMax.Milliseconds())
	}
	how := durability.PromoteRequest{OldIsDead: in.OldIsDead, Token: bearer(c.Request), Wait: time.Duration(in.TimeoutMs) * time.Millisecond}
	line, err := s.changePrimary(c, audit.Promote, in.Reason, func(ctx context.Context) (string, error) { return s.engine.Promote(ctx, how) })
	if err != nil {
		return nil, err
	}
	return &promoteAnswer{line}, nil
}

// deposeRequest is the body of POST depose.
type deposeRequest struct {
	Reason string `json:"reason"`
}

// deposeAnswer names the last image, which a backup can start from.
type deposeAnswer struct {
	Image string `json:"image"`
}

// apiStepDown stops this primary for good.
func (s *Server) apiStepDown(c *call) (any, error) {
	var in deposeRequest
	if err := decodeBody(c, &in); err != nil {
		return nil, err
	}
	last, err := s.changePrimary(c, audit.StepDown, in.Reason, func(ctx context.Context) (string, error) { return s.engine.StepDown(ctx, "") })
	if err != nil {
		return nil, err
	}
	s.successor.Store(new(string)) // nobody by name
	return &deposeAnswer{last}, nil
}

// changePrimary lets an admin do what changes the primary, and records it. The admin's request may
// end before that does.
func (s *Server) changePrimary(c *call, event audit.Event, reason string, change func(context.Context) (string, error)) (string, error) {
	why, err := c.reason(reason)
	switch {
	case err != nil:
		return "", err
	case !s.isPrivate(c.Request):
		return "", refuse(codec.Denied, plainWords)
	}
	noteEnd, ok := s.beginAudit(c.Context(), audit.Record{Event: event, By: c.who.Name, From: c.RemoteAddr, Reason: string(why)})
	if !ok {
		return "", refuse(codec.Limit, auditFull)
	}
	said, err := change(context.WithoutCancel(c.Context()))
	noteEnd(err)
	if errors.Is(err, durability.ErrStopping) {
		return "", refuse(codec.Shutdown, "%v", err)
	}
	if err != nil {
		return "", refuse(codec.Conflict, "%v", err)
	}
	return said, nil
}
