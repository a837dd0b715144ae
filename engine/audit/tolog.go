package audit

import (
	"context"
	"log/slog"
)

// toLog is a sink: the server's log.
type toLog struct{ h slog.Handler }

// ToLog returns a sink that writes to a log. If the handler fails, as one whose queue is full does,
// the sink fails.
func ToLog(h slog.Handler) Sink { return toLog{h} }

// messages are the words of each event in a log, and its level.
var messages = map[Event]struct {
	text  string
	level slog.Level
}{
	AdminAuth:    {"an admin's token was shown", slog.LevelInfo},
	WrongToken:   {"wrong tokens", slog.LevelWarn},
	Denied:       {"refused: only admins may do this", slog.LevelWarn},
	ForceRelease: {"forced release", slog.LevelWarn},
	Disconnect:   {"connection ended by an admin", slog.LevelWarn},
	Promote:      {"promotion", slog.LevelWarn},
	StepDown:     {"deposition", slog.LevelWarn},
	ImageFetch:   {"an image was sent", slog.LevelInfo},
	Dropped:      {"audit records were dropped", slog.LevelWarn},
}

// Write logs the record. The server logs a TokenReload and a CertReload itself, with more
// words.
func (s toLog) Write(r *Record) error {
	m, ok := messages[r.Event]
	if !ok || !s.h.Enabled(context.Background(), m.level) {
		return nil
	}
	record := slog.NewRecord(r.At, m.level, m.text, 0)
	record.AddAttrs(slog.String("event", string(r.Event)))
	for _, a := range []struct{ key, value string }{{"outcome", r.Outcome}, {"by", Escape(r.By)}, {"from", r.From}, {"what", r.What},
		{"lock", Escape(r.Lock)}, {"owner", Escape(r.Owner)}, {"reason", Escape(r.Reason)}, {"detail", r.Detail}} {
		if a.value != "" {
			record.AddAttrs(slog.String(a.key, a.value))
		}
	}
	if r.Token != 0 {
		record.AddAttrs(slog.Uint64("token", r.Token))
	}
	if r.Count != 0 {
		record.AddAttrs(slog.Uint64("count", r.Count))
	}
	return s.h.Handle(context.Background(), record)
}

func (toLog) Reopen() error { return nil }
func (toLog) Close() error  { return nil }
