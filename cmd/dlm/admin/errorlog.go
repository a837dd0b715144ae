package admin

import (
	"log"
	"log/slog"
	"strings"

	"dlm/engine"
)

// errorLog passes the messages of net/http on, which have no levels.
type errorLog struct {
	log        *slog.Logger
	handshakes engine.Seldom
}

// newErrorLog returns what net/http writes its messages to.
func newErrorLog(to *slog.Logger) *log.Logger { return log.New(&errorLog{log: to}, "", 0) }

// Write logs one message, each at the level that it deserves. A panic of a handler is a bug.
// Failed handshakes are told once in a while. The others are about clients that went away.
func (l *errorLog) Write(p []byte) (int, error) {
	text := strings.TrimSpace(string(p))
	if failed, ok := strings.CutPrefix(text, "http: TLS handshake error from "); ok {
		l.handshake(failed)
	} else if strings.HasPrefix(text, "http: panic serving ") {
		l.log.Error("internal error of the HTTP side", "event", "http-panic", "cause", text)
	} else {
		l.log.Debug(text, "event", "http-client")
	}
	return len(p), nil
}

// handshake logs a failed handshake, as an address and a cause. A client that has left without a
// word, as one does that checks whether the port is open, is not worth a line.
func (l *errorLog) handshake(failed string) {
	from, cause, _ := strings.Cut(failed, ": ")
	if cause == "EOF" || strings.HasSuffix(cause, "connection reset by peer") {
		return
	}
	if n := l.handshakes.Due(engine.HandshakeLogEvery); n > 0 {
		l.log.Warn("TLS handshakes of the HTTP side failed", "event", "http-handshakes-failed",
			"count", n, "from", from, "error", cause)
	}
}
