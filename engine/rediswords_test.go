package engine

import (
	"fmt"
	"strings"
	"testing"
)

// lineArray is a line of bare words as an array, as clients of Redis send it.
func lineArray(line string) string { return array(strings.Fields(line)...) }

// TestInfoHasWhatHealthChecksOfRedisLookFor has the fields that HAProxy, Spring Boot and client
// libraries read.
func TestInfoHasWhatHealthChecksOfRedisLookFor(t *testing.T) {
	s := newSim(t, nil)
	k := s.dial(0)
	for _, c := range []struct {
		command   string
		has, lack []string
	}{
		{"INFO", []string{"redis_version:7.", "redis_mode:standalone\r\n", "role:master\r\n", "loading:0\r\n", "# Locks"}, nil},
		{"INFO server", []string{"# Server\r\nredis_version:"}, []string{"role:", "# Clients"}},
		{"info replication", []string{"# Replication\r\nrole:master\r\nconnected_slaves:0\r\n"}, []string{"# Server"}},
		{"INFO persistence", []string{"# Persistence\r\nloading:0\r\n"}, []string{"# Server"}},
		{"INFO server clients", []string{"# Server", "# Clients"}, []string{"# Locks"}},
		{"INFO nope REPLICATION", []string{"role:master"}, []string{"# Server"}},
		{"INFO default", []string{"role:master", "# Locks"}, nil},
		{"INFO everything", []string{"role:master", "# Locks"}, nil},
		{"INFO clients all", []string{"role:master", "# Locks"}, nil},
		{"INFO nope", nil, []string{":"}},
	} {
		k.send(lineArray(c.command))
		head, body, _ := strings.Cut(k.reads(), "\r\n")
		if want := fmt.Sprintf("$%d", len(body)-2); head != want {
			t.Errorf("%s: begins %q, want %q", c.command, head, want)
		}
		k.send(c.command + "\n")
		text := strings.ReplaceAll(k.reads(), "\n", "\r\n")
		for _, want := range c.has {
			if !strings.Contains(body, want) || !strings.Contains(text, want) {
				t.Errorf("%s: no %q in %q and %q", c.command, want, body, text)
			}
		}
		for _, not := range c.lack {
			if strings.Contains(body, not) || strings.Contains(text, not) {
				t.Errorf("%s: %q in %q or %q", c.command, not, body, text)
			}
		}
	}
}

// TestBackupSaysItsRoleToClientsOfRedis in INFO and HELLO.
func TestBackupSaysItsRoleToClientsOfRedis(t *testing.T) {
	s := newSim(t, nil)
	k := s.dial(0)
	const master, replica = "$4\r\nrole\r\n$6\r\nmaster\r\n", "$4\r\nrole\r\n$7\r\nreplica\r\n"
	k.send(lineArray("HELLO 2"))
	if got := k.reads(); !strings.Contains(got, master) {
		t.Errorf("a primary: %q", got)
	}
	k.send("HELLO\n")
	if got := k.reads(); !strings.Contains(got, " role=primary ") || !strings.Contains(got, " durability=memory ") {
		t.Errorf("a primary: %q", got)
	}
	s = newBackup(t, t.TempDir(), t.TempDir())
	defer s.crash()
	k = s.dial(0)
	k.send("HELLO\n")
	if got := k.reads(); !strings.Contains(got, " role=backup ") || !strings.Contains(got, " durability=snapshot ") {
		t.Errorf("a backup: %q", got)
	}
	k.send(lineArray("HELLO 2"))
	if got := k.reads(); !strings.Contains(got, replica) {
		t.Errorf("a backup: %q", got)
	}
	k.send(lineArray("INFO replication"))
	if got := k.reads(); !strings.Contains(got, "role:slave\r\nmaster_link_status:down\r\n") {
		t.Errorf("a backup: %q", got)
	}
}

// TestNumbersOfConnectionsAreSmallAndUnique checks CLIENT ID and HELLO: JavaScript rounds numbers
// from 2^53 on.
func TestNumbersOfConnectionsAreSmallAndUnique(t *testing.T) {
	s := newSim(t, nil)
	seen := map[string]bool{}
	for i := range 20 {
		k := s.dial(i % 2)
		k.send(lineArray("CLIENT ID"))
		got := k.reads()
		if seen[got] || len(got) > len(":20\r\n") {
			t.Errorf("connection %d: %q", i, got)
		}
		seen[got] = true
		k.send(lineArray("HELLO"))
		if hello := k.reads(); !strings.Contains(hello, "$2\r\nid\r\n"+got) {
			t.Errorf("CLIENT ID %q, HELLO %q", got, hello)
		}
		if i%3 == 0 {
			k.hangUp() // its place in the loop is used again
		}
	}
}
