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
		if isWait := n.Kind == table.NoteSlow || n.Kind == table.NoteTimeout; isWait && n.Ns >= int64(o.cfg.LogWaitsOver) {
			logged = true
			o.logWait(n)
		}
	}
	if logged && more > 0 {
		o.cfg.Log.Warn("other changes at the same moment are not logged, waits may be among them", "count", more)
	}
}

func (o *Observer) logWait(n *table.Note) {
	text := "granted after a long wait"
	attrs := []slog.Attr{slog.String("lock", quoted(n.Name)), slog.String("owner", quoted(n.Service)), slog.Int64("waited_ms", n.Ns/nsPerMs)}
	if n.Kind == table.NoteTimeout {
		text = "timed out after a long wait"
		attrs = append(attrs, slog.String("holder", quoted(n.Holder)))
	}
	if n.Token > 0 {
		attrs = append(attrs, slog.Uint64("token", uint64(n.Token))) // of the hold
	}
	o.cfg.Log.LogAttrs(context.Background(), slog.LevelWarn, text, attrs...)
}

// quoted returns bytes of a client with the escapes of replies.
func quoted(b []byte) string {
	text, _ := Text(b).MarshalText() // it can't fail
	return string(text)
}
