package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"dlm/cmd/dlm/logging"
)

const (
	formatText = logging.Text
	formatJSON = logging.JSON
)

// flushMax is how long the process waits at its end for the last records to be written.
const flushMax = 500 * time.Millisecond

// chooseFormat returns the log format for a writer: text for a person at a terminal, else JSON.
func chooseFormat(asked string, w io.Writer) string {
	if asked != "" {
		return asked
	}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return formatText
	}
	return formatJSON
}

// say writes a last line before the process ends. It does not wait for ever, because the reader of
// a pipe may have stopped.
func say(w io.Writer, format string, args ...any) {
	written := make(chan struct{})
	go func() {
		fmt.Fprintf(w, format, args...)
		close(written)
	}()
	select {
	case <-written:
	case <-time.After(flushMax):
	}
}
