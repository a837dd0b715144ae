package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"

	"dlm/cmd/dlm/settings"
	"dlm/engine"
	"dlm/engine/auth"
)

// startLine is one fact about a server that has started.
type startLine struct {
	plain          string // for a person
	event, message string // of the log record that says the same
	attrs          []any  // of that record: names and values in turn
}

// startLines says where the server listens, what it keeps, which roles it has, and how to try it.
// admin is as for describeRoles. secure is the address over TLS, or nil. all lists every address of
// the server in words; addr is the one to try.
func startLines(addr, secure net.Addr, all, http string, c *engine.Config, durability, admin string) []startLine {
	roles := describeRoles(addr, c, admin)
	try := tryCommand(addr, c)
	return []startLine{
		{plain: fmt.Sprintf("dlm %s serves on %s, HTTP %s", c.Version, all, http), event: "serving", message: "serving",
			attrs: []any{"address", addr.String(), "addresses", all, "tls", tlsAddr(secure), "version", c.Version, "http", http}},
		{plain: durability, event: "durability", message: "durability", attrs: []any{"mode", durability}},
		{plain: roles, event: "roles", message: "roles", attrs: []any{"access", roles}},
		{plain: "try: " + try, event: "try", message: "something to try", attrs: []any{"command", try}},
	}
}

func tlsAddr(secure net.Addr) string {
	if secure == nil {
		return settings.Off
	}
	return secure.String()
}

// announce writes the start lines: the plain ones as text, the records as JSON.
func announce(w io.Writer, log *slog.Logger, format string, lines []startLine) {
	if !log.Enabled(context.Background(), slog.LevelInfo) {
		return
	}
	for _, l := range lines {
		if format == formatText {
			fmt.Fprintln(w, l.plain)
			continue
		}
		log.Info(l.message, append([]any{"event", l.event}, l.attrs...)...)
	}
}

// describeRoles says which roles exist. admin is the variable or file that has the token of the
// admin, or "" if there is none.
func describeRoles(addr net.Addr, c *engine.Config, admin string) string {
	if len(c.Credentials) > 0 {
		return describeTokens(c)
	}
	who := "everybody on this machine"
	if !onLoopback(addr) {
		who = "EVERYBODY who reaches " + addr.String()
	}
	if admin == "" {
		return fmt.Sprintf("open: %s may lock; nobody is an admin without %s", who, settings.EnvAdminToken)
	}
	return fmt.Sprintf("open: %s may lock; the admin token is in %s", who, admin)
}

func describeTokens(c *engine.Config) string {
	count := map[auth.Role]int{}
	for _, cred := range c.Credentials {
		count[cred.Role]++
	}
	total, note := len(c.Credentials), ""
	if c.AdminToken != nil {
		count[auth.RoleAdmin]++
		total++
		note = "; one of them is " + settings.EnvAdminToken
	}
	var parts []string
	for _, role := range []auth.Role{auth.RoleAdmin, auth.RoleLock, auth.RoleRead, auth.RoleBackup, auth.RoleMetrics} {
		if n := count[role]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, role))
		}
	}
	word := "tokens"
	if total == 1 {
		word = "token"
	}
	return fmt.Sprintf("%d %s: %s%s", total, word, strings.Join(parts, ", "), note)
}

// tryCommand returns a shell line that acquires a lock for half a minute. For a backup, which
// grants nothing, it reads INFO.
func tryCommand(addr net.Addr, c *engine.Config) string {
	command := "ACQUIRE demo me 0"
	if c.BackupOf != "" {
		command = "INFO durability"
	}
	program := tryProgram(addr, c)
	if len(c.Credentials) > 0 {
		return fmt.Sprintf(`printf 'AUTH %%s\n%s\n' "$%s" | %s`, command, settings.EnvToken, program)
	}
	return fmt.Sprintf(`printf '%s\n' | %s`, command, program)
}

// tryProgram returns a program that connects its input and output to the server.
func tryProgram(addr net.Addr, c *engine.Config) string {
	if unix, ok := addr.(*net.UnixAddr); ok {
		return "nc -q1 -U " + unix.Name
	}
	host, port, err := net.SplitHostPort(addr.String())
	must(err)
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	if c.Listen == engine.ListenOff {
		return "openssl s_client -quiet -no_ign_eof -connect " + net.JoinHostPort(host, port)
	}
	return fmt.Sprintf("nc -q1 %s %s", host, port)
}

// onLoopback reports whether only this machine reaches an address.
func onLoopback(addr net.Addr) bool {
	if _, unix := addr.(*net.UnixAddr); unix {
		return true
	}
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
