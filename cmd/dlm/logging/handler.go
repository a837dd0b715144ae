package logging

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"time"
)

// The formats of a log.
const (
	Text = "text" // for a person at a terminal
	JSON = "json" // for a program that collects logs
)

// New returns a logger of that format and level that writes to w through a queue. It also returns
// the queue.
func New(w io.Writer, format string, level slog.Level) (*slog.Logger, *Queue) {
	q := NewQueue(w, func(n uint64) []byte {
		var b bytes.Buffer
		record := slog.NewRecord(time.Now(), slog.LevelWarn, "log records were dropped, since they were not read in time", 0)
		record.AddAttrs(slog.String("event", "records-dropped"), slog.Uint64("count", n))
		_ = formatted(&b, format, level).Handle(context.Background(), record) // a buffer takes all
		return b.Bytes()
	})
	h := &handler{ordinary: formatted(q, format, level), urgent: formatted(urgent{q}, format, level)}
	h.kinds = newKinds(time.Now)
	return slog.New(h), q
}

// Strict returns a handler that fails if the queue is full, and then drops nothing silently: its
// caller tries again. It limits no kinds.
func Strict(q *Queue, format string, level slog.Level) slog.Handler {
	return formatted(strict{q}, format, level)
}

func formatted(w io.Writer, format string, level slog.Level) slog.Handler {
	options := &slog.HandlerOptions{Level: level}
	if format == Text {
		return slog.NewTextHandler(w, options)
	}
	return slog.NewJSONHandler(w, options)
}

// handler limits warnings by kind and lets errors use the reserved room of the queue.
type handler struct {
	ordinary, urgent slog.Handler
	kinds            *kinds
}

func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.ordinary.Enabled(ctx, level)
}

// Handle formats a record and queues it. It never waits for the log.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn && !h.kinds.admit(r.Message, r.Level, h.tellLeftOut) {
		return nil
	}
	return h.of(r.Level).Handle(ctx, r)
}

func (h *handler) of(level slog.Level) slog.Handler {
	if level >= slog.LevelError {
		return h.urgent
	}
	return h.ordinary
}

// tellLeftOut logs how many records of a kind were left out.
func (h *handler) tellLeftOut(kind string, level slog.Level, n int) {
	r := slog.NewRecord(time.Now(), level, "more of the same", 0)
	r.AddAttrs(slog.String("event", "more-of-the-same"), slog.String("kind", kind), slog.Int("count", n))
	_ = h.of(level).Handle(context.Background(), r) // the queue writes or counts it
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.ordinary.WithAttrs(attrs), h.urgent.WithAttrs(attrs), h.kinds}
}

func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{h.ordinary.WithGroup(name), h.urgent.WithGroup(name), h.kinds}
}
