package observe

import (
	"context"
	"log/slog"

	"dlm/table"
)

// logWaits logs the long waits among the notes, as warnings, because those of one kind are limited
// to some a second. more notes were left out.
func (o *Observer) logWaits(list []table.Note, more int) {
	if o.cfg.LogWaitsOver == 0 {
		return
	}
	logged := false
	for i := range list {
		n := &list[i]
		end := waitEnds[n.Kind]
		if end.message != "" && n.Ns >= int64(o.cfg.LogWaitsOver) {
			logged = true
			o.logWait(n, end)
		}
	}
	if logged && more > 0 {
		o.cfg.Log.Warn("other changes at the same moment are not logged, waits may be among them", "event", "waits-not-logged", "count", more)
	}
}

// waitEnd is what the log says of the end of a wait.
type waitEnd struct{ event, message string }

// waitEnds has the ends of waits. The events have the words of EVENTS.
var waitEnds = map[table.NoteKind]waitEnd{
	table.NoteSlow:     {event: "slow", message: "granted after a long wait"},
	table.NoteTimeout:  {event: "timeout", message: "timed out after a long wait"},
	table.NoteDeadlock: {event: "deadlock", message: "refused for a deadlock after a long wait"},
}

func (o *Observer) logWait(n *table.Note, end waitEnd) {
	attrs := []slog.Attr{slog.String("event", end.event), slog.String("lock", quoted(n.Name)), slog.String("owner", quoted(n.Service)), slog.Int64("waited_ms", n.Ns/nsPerMs)}
	if n.Kind != table.NoteSlow {
		attrs = append(attrs, slog.String("holder", quoted(n.Holder)))
	}
	if n.Token > 0 {
		attrs = append(attrs, slog.Uint64("token", uint64(n.Token))) // of the hold
	}
	o.cfg.Log.LogAttrs(context.Background(), slog.LevelWarn, end.message, attrs...)
}

// quoted returns bytes of a client with the escapes of replies.
func quoted(b []byte) string {
	text, _ := Text(b).MarshalText() // it can't fail
	return string(text)
}
