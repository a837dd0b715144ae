package engine

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"

	"dlm/codec"
)

// TestEventsBeyondTheBufferAreCounted lets a connection read nothing for a while. Then it gets what
// its buffer has, the number of the events that were left out, and all later events.
func TestEventsBeyondTheBufferAreCounted(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(1)
	a.send("WATCH \"\"\n")
	a.expect("OK\n")
	a.stuck, a.room = true, 0
	const pairs = 3000
	for range pairs {
		b.send("ACQUIRE some/lock B 0\nRELEASE some/lock B\n")
	}
	if size := s.e.buffers.total.Load(); size > 3*64<<10 {
		t.Errorf("%d bytes are kept", size)
	}
	a.takes(1 << 30)
	b.send("ACQUIRE last B 0\n")
	lines := strings.Split(strings.TrimSpace(a.reads()), "\n")
	seen, missed := 0, -1
	for i, line := range lines {
		if n, ok := strings.CutPrefix(line, "EVENT missed count="); ok {
			if missed, _ = strconv.Atoi(n); i != len(lines)-2 {
				t.Errorf("the count of missed events is line %d of %d", i, len(lines))
			}
			continue
		}
		seen++
	}
	if missed <= 0 || seen+missed != 2*pairs+1 || !strings.HasPrefix(lines[len(lines)-1], `EVENT granted lock="last"`) {
		t.Errorf("%d events and %d missed of %d, the last is %q", seen, missed, 2*pairs+1, lines[len(lines)-1])
	}
	if got := s.e.events.Missed.Load(); got != uint64(missed) {
		t.Errorf("INFO counts %d", got)
	}
	a.hangUp()
	b.send("RELEASE last B\n")
	s.empty()
}

// TestBuffersOfWatchersCount: connections that watch and read nothing are closed when all buffers
// together are beyond their limit, and nobody else is.
func TestBuffersOfWatchersCount(t *testing.T) {
	s := newSim(t, func(c *Config) { c.BufferedMax = 1 << 20 })
	var watchers []*client
	for i := range 40 {
		k := s.dial(i % 2)
		k.do("WATCH \"\"", "OK")
		k.stuck = true
		watchers = append(watchers, k)
	}
	other := s.dial(1)
	other.send("PI")
	a := s.dial(0)
	for range 1000 {
		a.send("ACQUIRE some/lock A 0\nRELEASE some/lock A\n")
	}
	s.sweep()
	if n := s.e.buffers.total.Load(); n > s.e.buffers.max {
		t.Errorf("%d bytes are in buffers, of %d", n, s.e.buffers.max)
	}
	closed := 0
	for _, k := range watchers {
		if k.gone {
			closed++
		}
	}
	if closed == 0 || closed == len(watchers) {
		t.Errorf("%d of %d are closed", closed, len(watchers))
	}
	other.send("NG\n")
	other.expect("OK\n")
}

// TestRepliesAndEventsCanBeToldApart sends random commands on a connection that watches everything,
// and reads as PROTOCOL.md says: the lines of one answer stand together, a line with a tag answers
// that tag, an EVENT answers nothing, and any other line answers the oldest untagged command.
func TestRepliesAndEventsCanBeToldApart(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 3))
		s := newSim(t, nil)
		a, b := s.dial(0), s.dial(int(seed%2))
		a.send("WATCH \"\"\nNOTIFY \"\"\n")
		a.expect("OK\nOK\n")
		untagged, tags, events := 0, map[string]bool{}, 0
		for i := range 300 {
			line := []string{"ACQUIRE x%d A 500\n", "ACQUIRE x%d A 0 TTL 100\n", "RELEASE x%d A\n", "LOCKS\n", "HELP\n", "STATUS x%d\n", "INFO clients\n"}[rng.IntN(7)]
			if strings.Contains(line, "%d") {
				line = fmt.Sprintf(line, rng.IntN(3))
			}
			if rng.IntN(3) == 0 {
				tag := fmt.Sprintf("@%d ", i)
				tags[tag], line = true, tag+line
			} else {
				untagged++
			}
			a.send(line)
			b.send(fmt.Sprintf("@%d ACQUIRE x%d B 300 TTL 100\n@r%d RELEASE x%d B\n", i, rng.IntN(3), i, rng.IntN(3)))
			if rng.IntN(8) == 0 {
				s.advance(100_000_000)
			}
		}
		s.advance(2_000_000_000)
		b.reads()
		in := bufio.NewScanner(strings.NewReader(a.reads()))
		for in.Scan() {
			line := in.Text()
			if strings.HasPrefix(line, "EVENT ") {
				events++
				continue
			}
			tag := ""
			if strings.HasPrefix(line, "@") {
				end := strings.IndexByte(line, ' ') + 1
				tag = line[:end]
				if !tags[tag] {
					t.Fatalf("seed %d: an answer to no command: %q", seed, line)
				}
				delete(tags, tag)
			} else if untagged--; untagged < 0 {
				t.Fatalf("seed %d: an answer to no command: %q", seed, line)
			}
			rest, isOK := strings.CutPrefix(line[len(tag):], "OK")
			if !isOK && !strings.HasPrefix(rest, "ERROR ") {
				t.Fatalf("seed %d: no answer: %q", seed, line)
			}
			var r codec.Reply
			codec.ParseReply([]byte(line+"\n"), codec.FormText, &r)
			for n, _ := r.Number("lines"); n > 0 && in.Scan(); n-- {
				if item := in.Text(); !strings.HasPrefix(item, tag) || strings.HasPrefix(item[len(tag):], "EVENT ") {
					t.Fatalf("seed %d: %q stands within the answer %q", seed, item, line)
				}
			}
		}
		if untagged != 0 || len(tags) != 0 || events == 0 {
			t.Errorf("seed %d: %d and %d commands without an answer, %d events", seed, untagged, len(tags), events)
		}
	}
}

// TestEventsUnderLoad has clients of two loops that lock, and two that watch them. Each watcher
// gets each change, and those of one lock in their order. A client goes on when both watchers are
// near, so that no buffer of events is ever full.
func TestEventsUnderLoad(t *testing.T) {
	const clients, pairs, ahead = 4, 300, 50
	e := serve(t, func(*Config) {})
	var done sync.WaitGroup
	var room [2]chan struct{} // per watcher: pairs that it has not seen yet
	for i := range room {
		room[i] = make(chan struct{}, ahead)
		conn := dialServer(t, e)
		in := bufio.NewScanner(conn)
		fmt.Fprintf(conn, "WATCH l\n")
		if !in.Scan() || in.Text() != "OK" {
			t.Fatal(in.Text())
		}
		done.Go(func() {
			if err := watchPairs(in, room[i], clients*pairs); err != nil {
				t.Errorf("watcher %d: %v", i, err)
				for range room[i] { // the clients go on
				}
			}
		})
	}
	var working sync.WaitGroup
	for i := range clients {
		conn := dialServer(t, e)
		working.Go(func() {
			in := bufio.NewScanner(conn)
			for range pairs {
				room[0] <- struct{}{}
				room[1] <- struct{}{}
				fmt.Fprintf(conn, "ACQUIRE l%d s%d 9000\nRELEASE l%d s%d\n", i%2, i, i%2, i)
				for range 2 {
					if !in.Scan() || in.Text() != "OK" {
						t.Errorf("client %d: %q", i, in.Text())
						return
					}
				}
			}
		})
	}
	working.Wait()
	close(room[0])
	close(room[1])
	done.Wait()
}

// watchPairs reads events until so many holds have ended, and takes one from room for each.
func watchPairs(in *bufio.Scanner, room <-chan struct{}, pairs int) error {
	holder, last := map[string]string{}, map[string]uint64{}
	for ends := 0; ends < pairs; {
		if !in.Scan() {
			return fmt.Errorf("%d holds ended: %w", ends, cmp.Or(in.Err(), io.EOF))
		}
		kind, rest, _ := strings.Cut(strings.TrimPrefix(in.Text(), "EVENT "), " ")
		r := codec.Reply{Text: []byte(rest)}
		lock, _ := r.Field("lock")
		service, _ := r.Field("service")
		token, _ := r.Number("token")
		switch has := holder[string(lock)]; {
		case kind == "queued":
		case kind == "granted" && has == "" && token > last[string(lock)]:
			holder[string(lock)], last[string(lock)] = string(service), token
		case kind == "released" && has == string(service) && token == last[string(lock)]:
			holder[string(lock)] = ""
			ends++
			<-room
		default:
			return fmt.Errorf("%q while %q holds it, after token %d", in.Text(), has, last[string(lock)])
		}
	}
	return nil
}
