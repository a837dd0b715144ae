package codec

import "strconv"

// Event is one EVENT of the wire, which answers no command. Fields without a value are not written.
type Event struct {
	Kind    string // granted, lost, missed and others
	Lock    []byte
	Service []byte
	Token   Token // 0: none
	Count   int64 // below 0: none
	AtMs    int64 // table time; below 0: none
	Why     string
	Reason  []byte // nil: none
}

// AppendEvent appends the event: in text a line that begins with EVENT, in RESP a push of RESP3
// with the same words as names and values in turn, EVENT and the kind first.
func AppendEvent(dst []byte, form Form, e *Event) []byte {
	w := eventWriter{dst, form}
	if form == FormRESP {
		w.dst = appendHead(w.dst, '>', 2*e.fields())
		w.dst = appendBulk(w.dst, "EVENT")
		w.dst = appendBulk(w.dst, e.Kind)
	} else {
		w.dst = append(append(w.dst, "EVENT "...), e.Kind...)
	}
	if e.Lock != nil {
		w.text("lock", e.Lock)
		w.text("service", e.Service)
	}
	if e.Token > 0 {
		w.number("token", int64(e.Token))
	}
	if e.Count >= 0 {
		w.number("count", e.Count)
	}
	if e.AtMs >= 0 {
		w.number("at_ms", e.AtMs)
	}
	if e.Why != "" {
		w.keyword("why", e.Why)
	}
	if e.Reason != nil {
		w.text("reason", e.Reason)
	}
	if form == FormText {
		w.dst = append(w.dst, '\n')
	}
	return w.dst
}

// fields returns how many pairs of names and values the event has, EVENT and its kind included.
func (e *Event) fields() int {
	n := 1
	if e.Lock != nil {
		n += 2
	}
	for _, has := range [...]bool{e.Token > 0, e.Count >= 0, e.AtMs >= 0, e.Why != "", e.Reason != nil} {
		if has {
			n++
		}
	}
	return n
}

// eventWriter appends fields of an event.
type eventWriter struct {
	dst  []byte
	form Form
}

func (w *eventWriter) name(name string) {
	if w.form == FormRESP {
		w.dst = appendBulk(w.dst, name)
		return
	}
	w.dst = append(append(append(w.dst, ' '), name...), '=')
}

func (w *eventWriter) text(name string, v []byte) {
	w.name(name)
	if w.form == FormRESP {
		w.dst = appendBulk(w.dst, v)
	} else {
		w.dst = AppendQuoted(w.dst, v)
	}
}

func (w *eventWriter) keyword(name, v string) {
	w.name(name)
	if w.form == FormRESP {
		w.dst = appendBulk(w.dst, v)
	} else {
		w.dst = append(w.dst, v...)
	}
}

func (w *eventWriter) number(name string, v int64) {
	w.name(name)
	if w.form == FormRESP {
		w.dst = append(w.dst, ':')
	}
	w.dst = strconv.AppendInt(w.dst, v, 10)
	if w.form == FormRESP {
		w.dst = append(w.dst, "\r\n"...)
	}
}
