package admin

import (
	"strings"

	"dlm/codec"
	"dlm/engine/observe"
)

// apiTop answers the locks that come first in an order.
func (s *Server) apiTop(c *call) (any, error) {
	limit, err := c.limit()
	if err != nil {
		return nil, err
	}
	by := observe.Order(c.URL.Query().Get("by"))
	switch by {
	case "":
		by = observe.ByWaiters
	case observe.ByWaiters, observe.ByWait, observe.ByHeat, observe.ByHold:
	default:
		return nil, refuse(codec.BadArg, "by is waiters, wait, heat or hold")
	}
	if err := s.noImage(); err != nil {
		return nil, err
	}
	return s.engine.Observe().Top(c.Context(), by, limit, &c.who), nil
}

// apiPrefixes answers the census of names.
func (s *Server) apiPrefixes(c *call) (any, error) {
	limit, err := c.limit()
	if err != nil {
		return nil, err
	}
	if err := s.noImage(); err != nil {
		return nil, err
	}
	return s.engine.Observe().Prefixes(c.Context(), limit, &c.who), nil
}

// apiOwner answers what a service holds and waits for.
func (s *Server) apiOwner(c *call) (any, error) {
	service, err := c.service("service")
	if err != nil {
		return nil, err
	}
	limit, err := c.limit()
	if err != nil {
		return nil, err
	}
	cursor := c.URL.Query().Get("cursor")
	if !observe.ParseOwnerCursor(cursor) {
		return nil, refuse(codec.BadArg, "cursor is not one that this list has answered: leave it out to begin anew")
	}
	if err := s.noImage(); err != nil {
		return nil, err
	}
	return s.engine.Observe().Owner(service, limit, cursor, &c.who), nil
}

// apiDeadlocks answers the services that wait for each other for ever.
func (s *Server) apiDeadlocks(c *call) (any, error) {
	if err := s.noImage(); err != nil {
		return nil, err
	}
	return s.engine.Observe().Deadlocks(c.Context(), &c.who), nil
}

// apiGraph answers who waits for whom around a lock or a service.
func (s *Server) apiGraph(c *call) (any, error) {
	q := c.URL.Query()
	if q.Has("lock") == q.Has("owner") {
		return nil, refuse(codec.BadArg, "say around what: lock or owner, one of them")
	}
	if err := s.noImage(); err != nil {
		return nil, err
	}
	if q.Has("lock") {
		name, err := c.lockName("lock", q.Get("lock"))
		if err != nil {
			return nil, err
		}
		return s.engine.Observe().GraphAroundLock(c.Context(), name, &c.who), nil
	}
	service, err := c.service("owner")
	if err != nil {
		return nil, err
	}
	return s.engine.Observe().GraphAroundOwner(c.Context(), service, &c.who), nil
}

// apiEvents answers notable events.
func (s *Server) apiEvents(c *call) (any, error) {
	o := s.engine.Observe()
	since, limit, err := c.part(o.NextEvent())
	if err != nil {
		return nil, err
	}
	return o.Events(since, limit, &c.who), nil
}

// historyMax is how many samples there are.
const historyMax = 600

// apiHistory answers the samples of the last minutes.
func (s *Server) apiHistory(c *call) (any, error) {
	last, err := c.number("last", historyMax, 1, historyMax)
	if err != nil {
		return nil, err
	}
	var names []string
	if list := c.URL.Query().Get("names"); list != "" {
		names = strings.Split(list, ",")
	}
	return s.engine.Observe().History(int(last), names), nil
}
