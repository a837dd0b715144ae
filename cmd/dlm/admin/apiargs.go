package admin

import (
	"math"
	"strconv"

	"dlm/codec"
	"dlm/engine/observe"
)

// rowsDefault is how many rows a list has without limit=.
const rowsDefault = 100

// text returns a parameter that stands for bytes of a client, in the escapes of replies. Without
// the parameter it returns nil.
func (c *call) text(name string, most int) (observe.Text, error) {
	return unescape(name, c.URL.Query().Get(name), most)
}

// unescape reads a string of a client in the escapes of replies, of up to most bytes.
func unescape(name, s string, most int) (observe.Text, error) {
	b, ok := observe.ParseText(s)
	switch {
	case !ok:
		return nil, refuse(codec.BadArg, `%s has an escape that is none: \" \\ \n \r \t \xHH are`, name)
	case len(b) > most:
		return nil, refuse(codec.TooBig, "%s has at most %d bytes", name, most)
	}
	return b, nil
}

// lockName returns the name of a lock, which must be there and which the visitor must be allowed to
// use.
func (c *call) lockName(name, value string) (observe.Text, error) {
	b, err := unescape(name, value, codec.NameMax)
	switch {
	case err != nil:
		return nil, err
	case len(b) == 0:
		return nil, refuse(codec.BadArg, "%s is missing: the name of a lock", name)
	case !c.who.MayUse(b):
		return nil, refuse(codec.Denied, "this token may not use this lock name")
	}
	return b, nil
}

// service returns a parameter that is the id of a service, which must be there.
func (c *call) service(name string) (observe.Text, error) {
	b, err := c.text(name, codec.ServiceMax)
	if err == nil && len(b) == 0 {
		err = refuse(codec.BadArg, "%s is missing: the id of a service", name)
	}
	return b, err
}

// number returns a parameter that is a number, or preset if it is missing.
func (c *call) number(name string, preset, least, most uint64) (uint64, error) {
	s := c.URL.Query().Get(name)
	if s == "" {
		return preset, nil
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n < least || n > most {
		return 0, refuse(codec.BadArg, "%s must be a number from %d to %d", name, least, most)
	}
	return n, nil
}

// limit returns the most rows that the visitor wants.
func (c *call) limit() (int, error) {
	n, err := c.number("limit", rowsDefault, 1, codec.ListMax)
	return int(n), err
}

// part returns which part of a numbered list the visitor wants: up to limit rows from since on, or
// the last rows. next is the number of the row that comes next.
func (c *call) part(next uint64) (since uint64, limit int, err error) {
	if since, err = c.number("since", 0, 0, math.MaxUint64); err != nil {
		return 0, 0, err
	}
	if limit, err = c.limit(); err != nil {
		return 0, 0, err
	}
	last, err := c.number("last", 0, 1, codec.ListMax)
	if last > 0 {
		since, limit = max(since, next-min(next, last)), int(last)
	}
	return since, limit, err
}

// cursor returns the place at which a listing goes on.
func (c *call) cursor() (at observe.Cursor, err error) {
	s := c.URL.Query().Get("cursor")
	if s == "" {
		return at, nil
	}
	at, ok := observe.ParseCursor([]byte(s))
	if !ok {
		return at, refuse(codec.BadArg, "cursor is not one that this list has answered: leave it out to begin anew")
	}
	return at, nil
}
