package admin

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

// TestMessagesOfTheLibraryHaveLevels passes on what net/http says of its connections.
func TestMessagesOfTheLibraryHaveLevels(t *testing.T) {
	const bad = "http: TLS handshake error from 192.0.2.1:7: remote error: tls: bad certificate"
	for _, c := range []struct {
		name, want string
		messages   []string
	}{
		{"a flood of failed handshakes has a line", `level=WARN msg="TLS handshakes of the HTTP side failed" event=http-handshakes-failed ` +
			`count=1 from=192.0.2.1:7 error="remote error: tls: bad certificate"`, []string{bad, bad, bad}},
		{"a check of the port has none", "", []string{"http: TLS handshake error from 192.0.2.1:7: EOF",
			"http: TLS handshake error from 192.0.2.1:7: read tcp 127.0.0.1:1->192.0.2.1:7: read: connection reset by peer"}},
		{"a panic is an error", `level=ERROR msg="internal error of the HTTP side" event=http-panic cause="http: panic serving 192.0.2.1:7: x\nstack"`,
			[]string{"http: panic serving 192.0.2.1:7: x\nstack\n"}},
		{"another is for those who look for it", `level=DEBUG msg="http: response.Write on hijacked connection" event=http-client`,
			[]string{"http: response.Write on hijacked connection"}},
	} {
		var said bytes.Buffer
		l := newErrorLog(slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug})))
		for _, m := range c.messages {
			l.Print(m)
		}
		_, got, _ := strings.Cut(said.String(), " ")
		if strings.TrimSpace(got) != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}
