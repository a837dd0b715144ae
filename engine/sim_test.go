package engine

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"dlm/engine/clock"
	"dlm/engine/durability"
	"dlm/table"
)

// sim is an engine without sockets and without goroutines. Its clock stands still until it is
// moved, its connections are in memory, and messages to a reactor run when the test says so. Each
// test is one order of events.
type sim struct {
	t    testing.TB
	e    *Engine
	time int64
	log  bytes.Buffer
	fx   table.Effects
	co   outbox
	due  []*reactor // woken and not yet run
	asks []*reactor // asked whether they have read their sockets, and not yet run
	hold bool       // leave posted messages lying until deliver

	written func(*client) // called at each write; may be nil
	secured *secured      // settings of TLS; nil: connections are plain
}

// auditText writes out the audit and returns the log that has it.
func (s *sim) auditText() string {
	s.e.audit.Flush()
	return s.log.String()
}

func newSim(t testing.TB, change func(*Config)) *sim {
	t.Helper()
	s, err := startSim(t, Config{Loops: 2, Lease: 30 * time.Second}, change, durability.Open)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// startSim starts a sim with a table from open.
func startSim(t testing.TB, cfg Config, change func(*Config), open func(durability.Config) (*durability.Store, error)) (*sim, error) {
	s := &sim{t: t}
	cfg.Log = slog.New(slog.NewTextHandler(&s.log, nil))
	began := time.Now()
	if cfg.DataDir == "" { // the tokens of a run without files follow from its seed
		began = time.Unix(1_700_000_000, 0)
	}
	cfg.wall = func() time.Time { return began.Add(time.Duration(s.time)) }
	if change != nil {
		change(&cfg)
	}
	cfg.EnsureDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	of := cfg.durability()
	of.Table.Seed = 1 // one seed of a test is one run
	store, err := open(of)
	if err != nil {
		return nil, err
	}
	s.e = newEngine(cfg, func() int64 { return s.time }, store)
	s.co = newOutbox(s.e)
	for _, r := range s.e.reactors {
		s.bind(r)
	}
	return s, nil
}

// bind gives the reactor a loop: what settle does.
func (s *sim) bind(r *reactor) {
	r.Bind(func() { s.due = append(s.due, r) }, func() { s.asks = append(s.asks, r) })
}

// settle runs the woken reactors until no message is left. All input has been read by then.
func (s *sim) settle() {
	for (len(s.due) > 0 || len(s.asks) > 0 || len(s.e.steps) > 0) && !s.hold {
		s.event()
	}
}

// event runs the reactor that was woken first, or, if there is none, lets the loop read its probe
// that was asked first.
func (s *sim) event() {
	if len(s.e.steps) > 0 {
		step := s.e.steps[0]
		s.e.steps = s.e.steps[1:]
		step()
		return
	}
	if len(s.due) == 0 {
		r := s.asks[0]
		s.asks = s.asks[1:]
		r.polled()
		return
	}
	r := s.due[0]
	s.due = s.due[1:]
	r.drainInbox()
}

// deliver lets held messages arrive.
func (s *sim) deliver() { s.hold = false; s.settle() }

// advance moves time in steps that are too small for a pause, with a tick after each.
func (s *sim) advance(d time.Duration) {
	for d > 0 {
		step := min(d, clock.StepMax)
		s.time += int64(step)
		d -= step
		s.e.tick(&s.fx, &s.co)
		s.e.orderEnds()
		if s.e.observer.Detecting() {
			s.e.detect()
		}
		s.settle()
	}
}

// sweep looks at all connections, and ends those that are overdue.
func (s *sim) sweep() {
	s.e.order(s.e.sweepOrders())
	s.settle()
	for s.e.overdue.Load() > 0 {
		s.e.orderEnds()
		s.settle()
	}
}

// empty checks that nothing is left in the table and in the accounts.
func (s *sim) empty() {
	s.t.Helper()
	if t := s.e.tab().Totals(); t.Held != 0 || t.Waiters != 0 {
		s.t.Fatalf("left behind: %d locks, %d waiters", t.Held, t.Waiters)
	}
	if n := s.e.buffers.total.Load(); n != 0 {
		s.t.Fatalf("left behind: %d bytes of buffers", n)
	}
}

func (s *sim) free(lock string) bool {
	hash := s.e.tab().Hash([]byte(lock))
	sh := s.e.tab().Shard(hash)
	sh.Lock()
	defer sh.Unlock()
	var st table.Status
	sh.Status(s.e.clock.Now(), hash, []byte(lock), &st, &table.Effects{})
	return !st.Held
}
