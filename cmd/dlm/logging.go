package main

import (
	"io"
	"log/slog"
	"os"

	"golang.org/x/term"
)

const (
	formatText = "text"
	formatJSON = "json"
)

// chooseFormat returns the log format for a writer: text for a person at a
// terminal, JSON for whatever collects logs.
func chooseFormat(asked string, w io.Writer) string {
	if asked != "" {
		return asked
	}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return formatText
	}
	return formatJSON
}

func newLogger(w io.Writer, format string, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == formatText {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}
