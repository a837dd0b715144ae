package durability

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"dlm/codec"
	"dlm/engine/clock"
	"dlm/engine/snapshot"
	"dlm/table"
)

// Store owns the table that is served, and the data directory. Any goroutine may call its methods,
// but for those whose comments name one.
type Store struct {
	cfg   Config
	clock *clock.Clock // set by Bind

	beforeServing func(*table.Table) // set by BeforeServing; nil: nothing

	state     atomic.Pointer[State]
	imager    atomic.Pointer[imager]   // nil: memory only, or a backup
	follower  atomic.Pointer[follower] // nil: no backup
	promoting sync.Mutex               // held by a promotion and by Finish

	running sync.WaitGroup // the goroutines "imager" and "follower"
	ctx     context.Context
	cancel  context.CancelFunc
	started atomic.Bool

	steppedDown  chan struct{}                    // closed when a backup takes over
	stepDownOnce sync.Once                        // closes it
	successor    atomic.Pointer[snapshot.Lineage] // that backup; nil: none
	finished     chan struct{}                    // closed by Finish
	finishErr    error                            // of Finish; set before finished is closed
	handedOver   bool                             // START names the successor; set like finishErr
}

// ErrDataDir is in errors about a data directory that can't be used.
var ErrDataDir = errors.New("--data-dir")

// Open returns a Store with the table to serve, from the data directory if there is one. Nothing is
// promised to a client before. Bind must follow.
func Open(cfg Config) (*Store, error) {
	if cfg.DataDir == "" {
		s := InMemory(cfg, cfg.hashSeed(), max(WallToken(cfg.Wall()), cfg.TokenFloor))
		s.State().Start.Lineage = newLineage()
		return s, nil
	}
	dir, err := snapshot.OpenDir(cfg.DataDir)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDataDir, err)
	}
	open := openPrimary
	if cfg.BackupOf != "" {
		open = openBackup
	}
	first, err := open(&cfg, dir)
	if err != nil {
		return nil, fmt.Errorf("recovery: %w", errors.Join(err, dir.Close()))
	}
	s := newStore(cfg, first)
	if first.Follows() {
		s.follower.Store(&follower{s: s, source: newSource(&s.cfg.Settings, first.Start.Lineage)})
	} else {
		s.imager.Store(&imager{s: s, of: first, asked: make(chan chan error)})
	}
	return s, nil
}

// InMemory returns a Store without a directory. The seed of the hash and the first token are the
// caller's, so that two servers of a simulation can give the same tokens.
func InMemory(cfg Config, seed uint64, tokenStart codec.Token) *Store {
	return newStore(cfg, &State{Table: cfg.newTable(seed, tokenStart), Start: snapshot.Start{Number: 1, TokenStart: tokenStart},
		TTLMaxMs: codec.TTLMaxMs, Started: time.Now()})
}

func newStore(cfg Config, first *State) *Store {
	s := &Store{cfg: cfg, steppedDown: make(chan struct{}), finished: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.state.Store(first)
	return s
}

// Bind gives the Store the clock of table time. The clock needs the Pauses of the table, so it
// comes after Open, and before all else.
func (s *Store) Bind(c *clock.Clock) { s.clock = c }

// BeforeServing sets what is called with the table of a promotion before it is served. It comes
// before Start.
func (s *Store) BeforeServing(prepare func(*table.Table)) { s.beforeServing = prepare }

// State returns what is served now.
func (s *Store) State() *State { return s.state.Load() }

// Start starts the goroutine that writes images, or follows a primary.
func (s *Store) Start() {
	s.started.Store(true)
	if images := s.imager.Load(); images != nil {
		s.background(images.run)
	}
	if f := s.follower.Load(); f != nil {
		s.follow(f)
	}
}

// background runs a goroutine that ends with Stop. A simulation, which takes all steps itself, has
// not called Start: then nothing runs.
func (s *Store) background(run func(context.Context)) {
	if s.started.Load() {
		s.running.Go(func() { run(s.ctx) })
	}
}

// Stop ends the goroutines and a running promotion. It returns when the goroutines have ended.
func (s *Store) Stop() {
	s.cancel()
	s.running.Wait()
}

// Finish writes the last image, from which the next start goes on as if nothing had happened, and
// gives the directory up. The engine calls it once, when nothing is executed any more.
func (s *Store) Finish() error {
	s.promoting.Lock()
	defer s.promoting.Unlock()
	s.finishErr = s.finish()
	close(s.finished)
	return s.finishErr
}

func (s *Store) finish() error {
	images := s.imager.Load()
	if images == nil {
		return s.Abandon()
	}
	last, successor := snapshot.Primary, snapshot.Lineage{}
	if by := s.successor.Load(); by != nil {
		last, successor = snapshot.SteppedDown, *by
	}
	err := images.finish(last, successor)
	s.handedOver = err == nil && last == snapshot.SteppedDown
	if err != nil {
		err = fmt.Errorf("the last image was not written, so the next start begins with a recovery grace: %w", err)
	}
	return errors.Join(err, s.Abandon())
}

// Abandon gives the directory up as it is. After Open alone, or in a simulation of a crash, that is
// all that a Store has to do.
func (s *Store) Abandon() error {
	if dir := s.State().dir; dir != nil {
		return dir.Close()
	}
	return nil
}

// NewestImage returns the path of the newest image, its ETag, and how long ago the table was known
// to be as in it. The path is empty if there is no image.
func (s *Store) NewestImage() (path, etag string, age time.Duration) {
	is := s.State()
	if is.dir != nil && errors.Is(is.dir.Check(), snapshot.ErrLost) {
		return "", "", 0 // the directory is gone, or is of another server
	}
	if images, ok := s.Images(); ok && images.Path != "" {
		return images.Path, images.Header.ETag(), time.Since(images.AsOf)
	}
	if is.From != "" { // a start's first image is not written yet, or this is a backup
		return filepath.Join(is.dir.Path(), is.From), is.Header.ETag(), is.Staleness()
	}
	return "", "", 0
}

// Describe says in one line what a crash would cost, and what was recovered.
func (s *Store) Describe() string {
	is := s.State()
	switch is.Role {
	case Memory:
		return "memory only: locks are lost when the server stops; tokens still grow"
	case Backup:
		return s.describeBackup(is)
	}
	line := fmt.Sprintf("image of the locks every %v in %s; %s", s.cfg.SnapshotInterval, s.cfg.DataDir, is.Origin())
	if is.Grace > 0 {
		line += fmt.Sprintf("; recovery grace until %s: holders show their tokens, and nothing is granted",
			time.Now().Add(is.GraceLeft(s.clock.Now())).Format(time.TimeOnly))
	}
	return line
}

// Unready returns why clients should not be sent here; empty: they can.
func (s *Store) Unready() (reasons []string) {
	if b, ok := s.Following(); ok {
		reasons = append(reasons, "a backup: "+s.Describe())
		if b.Problem != "" {
			reasons = append(reasons, "the last image could not be fetched: "+b.Problem)
		}
	}
	if images, ok := s.Images(); ok && images.Problem != "" {
		reasons = append(reasons, "the last image could not be written: "+images.Problem)
	}
	return reasons
}

func newLineage() (l snapshot.Lineage) {
	rand.Read(l[:]) // never fails (crypto/rand)
	return l
}
