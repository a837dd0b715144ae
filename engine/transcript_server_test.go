package engine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"dlm/engine/auth"
)

// server executes a command about the engine.
func (st *stage) server(words []string) []string {
	s := st.sim
	duration := func() time.Duration {
		d, err := time.ParseDuration(words[1])
		if err != nil {
			st.fail("%v", err)
		}
		return d
	}
	switch words[0] {
	case "advance":
		s.advance(duration())
	case "pause":
		s.time += int64(duration())
		s.e.tick(&s.fx, &s.co)
		s.settle()
	case "sweep":
		s.sweepAll()
	case "sweeps":
		d, err := time.ParseDuration(words[2])
		if err != nil {
			st.fail("%v", err)
		}
		for ; d > 0; d -= 50 * time.Millisecond {
			s.advance(50 * time.Millisecond)
			s.sweep()
		}
	case "image":
		s.image()
	case "update":
		if s.update() {
			return []string{"written"}
		}
		return []string{"unchanged"}
	case "crash":
		s.crash()
	case "finish":
		s.cleanStop()
	case "start":
		st.start(words[1:])
	case "tokens":
		s.setTokens(credentials(words[1:])...)
	case "hold":
		s.hold = true
	case "deliver":
		s.deliver()
	case "step":
		s.event()
	case "stop":
		s.e.draining.Store(true)
		s.e.drained.Add(len(s.e.reactors))
		s.e.order(orderDrain)
		s.settle()
	case "close":
		s.e.order(orderClose)
		s.settle()
		s.e.drained.Wait()
	case "show":
		return st.show(words[1:])
	case "info":
		return st.info(words[1:])
	case "empty":
		t, buffered := s.e.tab().Totals(), s.e.buffers.total.Load()
		if in, open := len(s.e.places.book.guests), s.e.places.guests.Load(); int64(in) != open {
			st.fail("%d guests are in the book, and %d are open", in, open)
		}
		if t.Held == 0 && t.Waiters == 0 && buffered == 0 {
			return []string{"nothing is left"}
		}
		return []string{fmt.Sprintf("left: %d locks, %d waits, %d bytes", t.Held, t.Waiters, buffered)}
	default:
		st.fail("no such command")
	}
	return nil
}

func (st *stage) show(words []string) (out []string) {
	switch words[0] {
	case "writes":
		n := st.conn(words[1]).writes
		out = append(out, fmt.Sprintf("%d", n-st.writes[words[1]]))
		st.writes[words[1]] = n
	case "pauses":
		out = append(out, fmt.Sprintf("%d", st.sim.e.clock.Gaps()))
	case "takebacks":
		out = append(out, fmt.Sprintf("%d", st.sim.e.tab().Totals().TakeBacks))
	case "log":
		text := st.sim.auditText()[st.logged:]
		st.logged += len(text)
		for line := range strings.Lines(text) {
			_, line, _ = strings.Cut(strings.TrimSpace(line), " ")
			out = append(out, st.number(line))
		}
		slices.Sort(out) // because refusals are summed up in no order
	default:
		for _, name := range words {
			state := "held"
			if st.sim.free(name) {
				state = "free"
			}
			out = append(out, name+" "+state)
		}
	}
	return out
}

// info returns lines of INFO.
func (st *stage) info(names []string) (out []string) {
	var b []byte
	for _, r := range st.sim.e.reactors {
		r.publishStats()
	}
	for _, section := range infoSections {
		b = section.write(st.sim.e, b)
	}
	for _, name := range names {
		_, line, found := strings.Cut("\n"+string(b), "\n"+name+":")
		if !found {
			st.fail("no %s in INFO", name)
		}
		line, _, _ = strings.Cut(line, "\r")
		out = append(out, name+":"+line)
	}
	return out
}

// credentials are those of words such as team=lock:secret:a/,b/.
func credentials(words []string) (list []auth.Credential) {
	for _, w := range words {
		name, rest, _ := strings.Cut(w, "=")
		fields := strings.Split(rest, ":")
		role, _ := auth.ParseRole(fields[0])
		c := cred(name, role, fields[1])
		if len(fields) > 2 {
			c.Bounds.Prefixes = strings.Split(fields[2], ",")
		}
		list = append(list, c)
	}
	return list
}

// setTokens replaces the credentials and lets the loops check their connections.
func (s *sim) setTokens(creds ...auth.Credential) {
	s.t.Helper()
	if err := s.e.SetCredentials(creds); err != nil {
		s.t.Fatal(err)
	}
	s.sweep()
}
