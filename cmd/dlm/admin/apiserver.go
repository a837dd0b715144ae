package admin

import (
	"dlm/engine/auth"
	"dlm/engine/observe"
)

// meAnswer says who the visitor is.
type meAnswer struct {
	Name     string         `json:"name"`
	Role     string         `json:"role"`
	Token    bool           `json:"token"` // a known token was shown
	Prefixes []observe.Text `json:"prefixes,omitempty"`
	Services []observe.Text `json:"services,omitempty"`
	// NeedsToken: RELEASE and HEARTBEAT have to name the hold by its token
	NeedsToken bool     `json:"require_token,omitempty"`
	May        []string `json:"may"`
}

func texts(list []string) (out []observe.Text) {
	for _, s := range list {
		out = append(out, observe.Text(s))
	}
	return out
}

// apiMe answers who the visitor is, and what it may do.
func (s *Server) apiMe(c *call) (any, error) {
	me := &meAnswer{Name: c.who.Name, Role: c.who.Role.String(), Token: c.v.token, May: []string{}}
	bounds := c.who.Bounds()
	me.Prefixes, me.Services, me.NeedsToken = texts(bounds.Prefixes), texts(bounds.Services), bounds.RequireToken
	if rankLook.allows(&c.v, c.who.Role) {
		me.May = append(me.May, "look", "metrics")
	}
	if rankAdmin.allows(&c.v, c.who.Role) {
		me.May = append(me.May, "clients", "force-release", "disconnect", "snapshot", "promote", "depose")
	}
	if c.who.Role == auth.RoleBackup {
		me.May = append(me.May, "fetch-images")
	}
	return me, nil
}

// apiServer describes the server. A token for images learns no settings, because it may not look.
func (s *Server) apiServer(c *call) (any, error) {
	about := s.engine.About()
	if !rankLook.allows(&c.v, c.who.Role) {
		about.Settings, about.Warnings, about.Unready, about.Durability.LastError = nil, nil, nil, ""
	}
	return about, nil
}
