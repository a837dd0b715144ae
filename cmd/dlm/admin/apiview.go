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
	service, err := c.text("service", codec.ServiceMax)
	if err != nil {
		return nil, err
	}
	if len(service) == 0 {
		return nil, refuse(codec.BadArg, "service is missing: the id of a service")
	}
	limit, err := c.limit()
	if err != nil {
		return nil, err
	}
	cursor := c.URL.Query().Get("cursor")
	if !observe.ParseOwnerCursor(cursor) {
		return nil, refuse(codec.BadArg, "cursor is not one that this list has answered")
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

// apiEvents answers notable events.
func (s *Server) apiEvents(c *call) (any, error) {
	limit, err := c.limit()
	if err != nil {
		return nil, err
	}
	since, err := c.number("since", 0, 0, 1<<63)
	if err != nil {
		return nil, err
	}
	return s.engine.Observe().Events(since, limit, &c.who), nil
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
