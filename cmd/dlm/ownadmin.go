package main

import (
	"crypto/sha256"
	"net"

	"dlm/cmd/dlm/admin"
	"dlm/cmd/dlm/admintoken"
	"dlm/cmd/dlm/settings"
	"dlm/engine"
)

// ownAdmin is the admin token that a server without tokens makes for itself.
type ownAdmin struct {
	token string // empty: the server has other tokens
	// the variable or file that has the admin's token, for people; empty: nobody knows one
	where string
}

// newOwnAdmin makes a fresh token if no configured one has the admin role.
func newOwnAdmin(c *engine.Config) *ownAdmin {
	c.FindAdmin = admintoken.Find
	switch {
	case c.AdminToken != nil:
		return &ownAdmin{where: settings.EnvAdminToken}
	case len(c.Credentials) > 0:
		return &ownAdmin{}
	}
	own := &ownAdmin{token: settings.NewToken()}
	hash := sha256.Sum256([]byte(own.token))
	c.AdminToken, c.AdminName = &hash, admintoken.Name
	return own
}

// publish writes the token for commands of the same user. A server calls it when it has its ports
// and its directory, so that no server replaces the token of another. If the write fails the server
// runs, and destructive commands are refused.
func (a *ownAdmin) publish(server *engine.Engine, side *admin.Server, c *engine.Config) *admintoken.Files {
	var ports []string // a Unix socket has none
	if _, tcp := server.Addr().(*net.TCPAddr); tcp {
		ports = append(ports, portOf(server.Addr()))
	}
	if side != nil {
		ports = append(ports, portOf(side.Addr()))
	}
	admintoken.Clean(c.DataDir, ports)
	if a.token == "" {
		return &admintoken.Files{}
	}
	files, err := admintoken.Write(a.token, c.DataDir, ports)
	if err != nil {
		c.Log.Warn("commands can't find the admin token, because it can't be written: give the server "+settings.EnvAdminToken+" or a --token-file", "event", "admin-token-not-written",
			"error", err.Error(), "written", files.Path())
	}
	a.where = files.Path()
	return files
}

func portOf(addr net.Addr) string {
	_, port, err := net.SplitHostPort(addr.String())
	must(err)
	return port
}
