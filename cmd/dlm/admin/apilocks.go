package admin

import (
	"dlm/codec"
	"dlm/engine/observe"
)

// noImage refuses a question to a backup that knows no locks yet.
func (s *Server) noImage() error {
	if s.engine.Observe().Empty() {
		return refuse(codec.ReadOnly, "this server is a backup that has no image yet: ask its primary")
	}
	return nil
}

// apiLocks answers a page of locks.
func (s *Server) apiLocks(c *call) (any, error) {
	q := observe.LocksQuery{Sight: &c.who}
	var err error
	if q.Prefix, err = c.text("prefix", codec.NameMax); err != nil {
		return nil, err
	}
	if q.Owner, err = c.text("owner", codec.ServiceMax); err != nil {
		return nil, err
	}
	if q.At, err = c.cursor(); err != nil {
		return nil, err
	}
	if q.Limit, err = c.limit(); err != nil {
		return nil, err
	}
	switch state := c.URL.Query().Get("state"); state {
	case "", "all":
	case "held":
		q.Held = true
	case "contended":
		q.Contended = true
	default:
		return nil, refuse(codec.BadArg, "state is all, held or contended")
	}
	if err := s.noImage(); err != nil {
		return nil, err
	}
	return s.engine.Observe().Locks(&q), nil
}

// apiLock answers all about one lock.
func (s *Server) apiLock(c *call) (any, error) {
	name, err := c.lockName("name", c.URL.Query().Get("name"))
	if err != nil {
		return nil, err
	}
	if err := s.noImage(); err != nil {
		return nil, err
	}
	v := s.engine.Observe().Lock(name)
	s.nameClients(c, v.Queue)
	return v, nil
}

// forceRequest is the body of POST force-release.
type forceRequest struct {
	Name   string      `json:"name"`
	Token  codec.Token `json:"token"`
	Reason string      `json:"reason"`
}

// forceAnswer says which hold was ended.
type forceAnswer struct {
	Lock  observe.Text `json:"lock"`
	Token codec.Token  `json:"token"`
	Owner observe.Text `json:"owner"`
}

// apiForceRelease ends the hold with the token of the request, and no other.
func (s *Server) apiForceRelease(c *call) (any, error) {
	var in forceRequest
	if err := decodeBody(c, &in); err != nil {
		return nil, err
	}
	name, err := c.lockName("name", in.Name)
	if err != nil {
		return nil, err
	}
	reason, err := c.reason(in.Reason)
	switch {
	case err != nil:
		return nil, err
	case in.Token == 0 || in.Token > codec.TokenMax:
		return nil, refuse(codec.BadArg, "token is missing: the hold to end is named by its token")
	}
	owner, code := s.engine.ForceRelease(c.Context(), name, in.Token, reason, c.who.Name, c.RemoteAddr)
	switch code {
	case codec.OK:
		return &forceAnswer{Lock: name, Token: in.Token, Owner: owner}, nil
	case codec.Stale:
		return nil, refuse(code, "the lock is held under another token: look again")
	case codec.NotHeld:
		return nil, refuse(code, "nobody holds this lock")
	case codec.ReadOnly:
		return nil, refuse(code, "this server is a backup: ask its primary")
	case codec.Limit:
		return nil, refuse(code, auditFull)
	}
	return nil, refuse(code, "the server is stopping")
}
