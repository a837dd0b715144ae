package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net"
	"strings"
	"testing"

	"dlm/cmd/dlm/logging"
	"dlm/engine"
	"dlm/engine/auth"
	"dlm/engine/durability"
)

func TestRolesLine(t *testing.T) {
	loopback := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7420}
	reachable := &net.TCPAddr{IP: net.IPv4zero, Port: 7420}
	admin := &[32]byte{}
	creds := []auth.Credential{{Role: auth.RoleLock}, {Role: auth.RoleAdmin}, {Role: auth.RoleLock}}
	for _, c := range []struct {
		name  string
		addr  net.Addr
		creds []auth.Credential
		admin *[32]byte
		where string
		want  string
	}{
		{"open", loopback, nil, nil, "", "open: everybody on this machine may lock; nobody is an admin without DLM_ADMIN_TOKEN"},
		{"open with an admin", loopback, nil, admin, "DLM_ADMIN_TOKEN", "open: everybody on this machine may lock; the admin token is in DLM_ADMIN_TOKEN"},
		{"open to all", reachable, nil, admin, "/d/admin.token", "open: EVERYBODY who reaches 0.0.0.0:7420 may lock; the admin token is in /d/admin.token"},
		{"tokens", reachable, creds, nil, "", "3 tokens: 1 admin, 2 lock"},
		{"one token", reachable, creds[:1], nil, "", "1 token: 1 lock"},
		{"tokens and an admin", loopback, creds, admin, "DLM_ADMIN_TOKEN", "4 tokens: 2 admin, 2 lock; one of them is DLM_ADMIN_TOKEN"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := describeRoles(c.addr, &engine.Config{Credentials: c.creds, AdminToken: c.admin}, c.where)
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestTryLine(t *testing.T) {
	for _, c := range []struct {
		name string
		addr *net.TCPAddr
		c    engine.Config
		want string
	}{
		{"loopback", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7420}, engine.Config{}, `printf 'ACQUIRE demo me 0\n' | nc -q1 127.0.0.1 7420`},
		{"every address", &net.TCPAddr{IP: net.IPv6unspecified, Port: 1}, engine.Config{}, `printf 'ACQUIRE demo me 0\n' | nc -q1 127.0.0.1 1`},
		{"IPv6", &net.TCPAddr{IP: net.IPv6loopback, Port: 1}, engine.Config{}, `printf 'ACQUIRE demo me 0\n' | nc -q1 ::1 1`},
		{"with tokens", &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 1}, engine.Config{Credentials: make([]auth.Credential, 1)},
			`printf 'AUTH %s\nACQUIRE demo me 0\n' "$DLM_TOKEN" | nc -q1 10.0.0.1 1`},
		{"a backup", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}, engine.Config{Settings: durability.Settings{BackupOf: "127.0.0.1:7421"}},
			`printf 'INFO durability\n' | nc -q1 127.0.0.1 1`},
	} {
		if got := tryCommand(c.addr, &c.c); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestFourStartLines(t *testing.T) {
	lines := startLines(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7420}, nil, "127.0.0.1:7420 and [::1]:7420", "off", &engine.Config{Version: "v1"}, "memory only", "")
	write := func(format string, level slog.Level) []string {
		var b bytes.Buffer
		log, queue := logging.New(&b, format, level)
		announce(queue, log, format, lines)
		queue.Close(eventually)
		return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	}

	text := write(formatText, slog.LevelInfo)
	if len(text) != 4 || text[0] != "dlm v1 serves on 127.0.0.1:7420 and [::1]:7420, HTTP off" || !strings.HasPrefix(text[1], "memory only") {
		t.Errorf("text: %q", text)
	}
	records := write(formatJSON, slog.LevelInfo)
	if len(records) != 4 {
		t.Fatalf("JSON: %q", records)
	}
	var first map[string]any
	if err := json.Unmarshal([]byte(records[0]), &first); err != nil || first["address"] != "127.0.0.1:7420" {
		t.Errorf("JSON: %q, %v", records[0], err)
	}
	if quiet := write(formatText, slog.LevelWarn); len(quiet) != 1 || quiet[0] != "" {
		t.Errorf("at level warn: %q", quiet)
	}
}

func TestFormatFollowsWriter(t *testing.T) {
	var notATerminal bytes.Buffer
	if got := chooseFormat("", &notATerminal); got != formatJSON {
		t.Errorf("got %s, want json", got)
	}
	if got := chooseFormat(formatText, &notATerminal); got != formatText {
		t.Errorf("got %s, want what was asked for", got)
	}
}
