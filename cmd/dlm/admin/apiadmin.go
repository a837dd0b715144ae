package admin

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"time"

	"dlm/codec"
	"dlm/engine/durability"
	"dlm/engine/observe"
)

// connsMax is how long the loops may take to answer a question about connections.
const connsMax = 5 * time.Second

// apiClients answers a page of the open connections of the lock port.
func (s *Server) apiClients(c *call) (any, error) {
	limit, err := c.limit()
	if err != nil {
		return nil, err
	}
	if _, err := c.cursor(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(c.Context(), connsMax)
	defer cancel()
	page, ok := s.engine.Clients(ctx, limit, c.URL.Query().Get("cursor"))
	if !ok {
		return nil, refuse(codec.Internal, "a loop does not answer")
	}
	return page, nil
}

// disconnectRequest is the body of POST disconnect.
type disconnectRequest struct {
	Client int64  `json:"client"`
	Reason string `json:"reason"`
}

// disconnectAnswer names the connection that was ended.
type disconnectAnswer struct {
	Client int64 `json:"client"`
}

// apiDisconnect ends a connection of the lock port.
func (s *Server) apiDisconnect(c *call) (any, error) {
	var in disconnectRequest
	if err := decodeBody(c, &in); err != nil {
		return nil, err
	}
	reason, err := c.reason(in.Reason)
	switch {
	case err != nil:
		return nil, err
	case in.Client <= 0:
		return nil, refuse(codec.BadArg, "client is missing: the number of a connection")
	}
	ctx, cancel := context.WithTimeout(c.Context(), connsMax)
	defer cancel()
	switch code := s.engine.Disconnect(ctx, in.Client, reason, c.who.Name, c.RemoteAddr); code {
	case codec.OK:
		return &disconnectAnswer{in.Client}, nil
	case codec.Limit:
		return nil, refuse(code, auditFull)
	case codec.Canceled:
		return nil, refuse(code, "an event loop did not answer in time: nothing was done")
	default:
		return nil, refuse(code, "no connection has this number")
	}
}

// snapshotAnswer describes an image.
type snapshotAnswer struct {
	Image  string `json:"image"`
	Bytes  uint64 `json:"bytes"`
	TookMs int64  `json:"took_ms"`
}

// apiSnapshot writes an image now.
func (s *Server) apiSnapshot(c *call) (any, error) {
	var none struct{}
	if err := decodeBody(c, &none); err != nil {
		return nil, err
	}
	is, err := s.engine.WriteImage(c.Context())
	switch {
	case errors.Is(err, durability.ErrNoImages):
		return nil, refuse(codec.Conflict, "%v", err)
	case err != nil:
		return nil, refuse(codec.Internal, "no image was written: %v", err)
	}
	return &snapshotAnswer{Image: filepath.Base(is.Path), Bytes: is.Header.Length, TookMs: is.Took.Milliseconds()}, nil
}

// longer lets an answer take as long as an image may take.
func longer(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(snapshotMax))
}

// nameClients shows admins which connection each request of a queue has.
func (s *Server) nameClients(c *call, rows []observe.WaiterRow) {
	if !rankAdmin.allows(&c.v, c.who.Role) {
		return
	}
	ctx, cancel := context.WithTimeout(c.Context(), connsMax)
	defer cancel()
	s.engine.NameClients(ctx, rows)
}
