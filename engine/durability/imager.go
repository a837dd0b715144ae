package durability

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	"dlm/codec"
	"dlm/engine/clock"
	"dlm/engine/snapshot"
	"dlm/table"
)

const (
	exportScan = 512 // records copied per hold of a shard's mutex: some 30 µs
	// imageRest is how many times as long as the last image took on a processor the imager rests:
	// so images cost a tenth of a core at most.
	imageRest = 10
)

// imager writes images. Its fields belong to the goroutine "imager", and after its end to Finish.
// Other goroutines read state only.
type imager struct {
	s      *Store
	of     *State
	number uint64    // of the last image of this start
	copied uint64    // Changes of all shards when they were copied for the last whole image
	looked time.Time // at the ceiling of tokens
	tries  repeated  // of images
	// asked takes a request to write an image now; the answer is its error
	asked  chan chan error
	reply  chan error // of the request that is being answered; nil: none
	img    codec.ShardImage
	locked []time.Duration // of the last image's holds of a mutex

	mu    sync.Mutex
	state ImageState // guarded by mu
}

// ImageState is what is known of the images of a server.
type ImageState struct {
	Path     string          // newest image; empty: none yet
	Header   snapshot.Header // of it
	Written  time.Time       // when it was complete
	AsOf     time.Time       // when the table was last known to be as in it
	Same     uint64          // how often no image was written, because nothing had changed
	Took     time.Duration   // from begin to end
	CPU      time.Duration   // of it, on a processor
	LockP99  time.Duration   // of the times for which a shard's mutex was held
	LockMax  time.Duration
	Failures uint64 // images that could not be written
	Problem  string // of the last try, in one line; empty: it succeeded
}

// Images returns what is known of the images. ok is false in memory mode and in a backup.
func (s *Store) Images() (is ImageState, ok bool) {
	m := s.imager.Load()
	if m == nil {
		return is, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state, true
}

// WriteImage writes an image. It is a step of a simulation, in which no goroutine "imager" runs.
func (s *Store) WriteImage() error { return s.imager.Load().write() }

// ErrNoImages is returned by ImageNow where no images are written.
var ErrNoImages = errors.New("this server writes no images: it has no data directory, or it is a backup")

// ImageNow lets the goroutine "imager" write an image, also if nothing has changed, and waits for
// it.
func (s *Store) ImageNow(ctx context.Context) (ImageState, error) {
	m := s.imager.Load()
	if m == nil {
		return ImageState{}, ErrNoImages
	}
	reply := make(chan error, 1)
	select {
	case m.asked <- reply:
	case <-ctx.Done():
		return ImageState{}, ctx.Err()
	case <-s.ctx.Done():
		return ImageState{}, ErrStopping
	}
	select {
	case err := <-reply:
		is, _ := s.Images()
		return is, err
	case <-ctx.Done():
		return ImageState{}, ctx.Err()
	case <-s.ctx.Done():
		return ImageState{}, ErrStopping
	}
}

// UpdateImage does what the goroutine "imager" does at each interval. It is a step of a simulation,
// too. written is false if the newest image is still good.
func (s *Store) UpdateImage() (written bool, err error) { return s.imager.Load().update() }

// ExtendTokens is the same for the ceiling of tokens.
func (s *Store) ExtendTokens() error { return s.imager.Load().extendTokens() }

// run writes an image at each interval, until ctx ends.
//
// It keeps its thread, because the CPU time of an image is that of the thread. The time of another
// thread, which has worked for hours, would let images rest for days.
func (m *imager) run(ctx context.Context) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	wait := m.s.cfg.SnapshotInterval
	for {
		if !m.rest(ctx, wait) {
			return
		}
		var written bool
		var err error
		m.s.cfg.WithExtraProc(func() {
			tokens := m.extendTokens()
			if m.reply != nil {
				err = m.write()
				written = err == nil
			} else {
				written, err = m.update()
			}
			err = errors.Join(tokens, err)
		})
		if m.reply != nil {
			m.reply <- err
			m.reply = nil
		}
		switch {
		case err == nil && m.tries.succeeded():
			m.s.cfg.Log.Info("images are written again", "event", "images-work")
		case err != nil && m.tries.failed(err, time.Now()):
			m.s.cfg.Log.Error("no image was written; the server tries again each interval", "event", "images-failing", "error", err.Error())
		}
		if wait = m.s.cfg.SnapshotInterval; written {
			wait = max(wait, imageRest*m.state.CPU) // only this goroutine writes it
		}
	}
}

// rest waits, and keeps the ceiling of tokens ahead meanwhile. It returns false if ctx has ended.
func (m *imager) rest(ctx context.Context, wait time.Duration) bool {
	for ; wait > 0; wait -= tokenLookEvery {
		select {
		case <-ctx.Done():
			return false
		case m.reply = <-m.asked:
			return true
		case <-time.After(min(wait, tokenLookEvery)):
		}
		m.keepTokens()
	}
	return true
}

// write writes one image and removes those that are too many.
func (m *imager) write() error {
	began, cpu := time.Now(), clock.ThreadTime()
	path, header, copied, err := m.writeImage()
	if err == nil {
		m.s.retain(m.of.dir)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state.Problem = oneLine(err)
	m.state.CPU = clock.ThreadTime() - cpu
	if err != nil {
		m.state.Failures++
	}
	if path != "" {
		m.copied = copied
		m.state.Path, m.state.Header, m.state.Written, m.state.AsOf = path, header, time.Now(), began
		m.state.Took = time.Since(began)
		slices.Sort(m.locked)
		m.state.LockP99, m.state.LockMax = m.locked[len(m.locked)*99/100], m.locked[len(m.locked)-1]
	}
	return err
}

// retain removes images that are too many. If that fails the newest is there nevertheless.
func (s *Store) retain(dir *snapshot.Dir) {
	if err := dir.Retain(s.cfg.SnapshotKeep); err != nil {
		s.cfg.Log.Warn("old images can't be removed", "event", "old-images-stay", "error", err.Error())
	}
}

func (m *imager) writeImage() (path string, header snapshot.Header, copied uint64, err error) {
	m.number++
	m.locked = m.locked[:0]
	w, err := m.of.dir.Create(m.header())
	if err != nil {
		return "", header, 0, err
	}
	if path, header, copied, err = m.fill(w); err != nil {
		return "", header, 0, errors.Join(err, w.Abort())
	}
	return path, header, copied, nil
}

// header returns what can be said before the first shard is copied.
func (m *imager) header() snapshot.Header {
	s := &m.of.Start
	h := snapshot.Header{
		Lineage: s.Lineage, Start: s.Number, Number: m.number, Seed: s.Seed,
		TableTime: m.s.clock.LeaseNow(), WallTime: m.s.cfg.Wall().UnixNano(),
		TokenStart: s.TokenStart, TokenCeiling: s.TokenCeiling, TTLLimitMs: s.TTLLimitMs,
	}
	for shard := range m.of.Table.Locked() {
		h.Grace = h.Grace || shard.GraceRuns()
	}
	return h
}

// fill copies shard after shard into the image. A shard is locked for some records at a time; all
// else happens without a lock. copied is the sum of the shards' Changes, each from before its first
// record, so that a change during the copy counts as later than the image.
func (m *imager) fill(w *snapshot.Writer) (path string, h snapshot.Header, copied uint64, err error) {
	for i := range table.Shards {
		shard, at, done := m.of.Table.ShardAt(i), table.ExportCursor{}, false
		for first := true; !done; first = false {
			shard.Lock()
			locked := time.Now()
			if first {
				copied += shard.Changes()
			}
			done = shard.Export(&at, exportScan, w.Header().Grace, &m.img)
			m.locked = append(m.locked, time.Since(locked))
			shard.Unlock()
		}
		if err := w.Shard(&m.img); err != nil {
			return "", h, 0, err
		}
		m.keepTokens()
	}
	// The counters copied last may be above the ceiling of the beginning.
	w.Header().TokenCeiling = m.of.Start.TokenCeiling
	if err := m.of.dir.Check(); err != nil { // it took a while: the name must still be ours
		return "", h, 0, err
	}
	path, h, err = w.Commit()
	return path, h, copied, err
}

// finish writes the last image of a clean stop, when nothing is executed any more, and lets START
// name it.
func (m *imager) finish(last snapshot.ServerState, successor snapshot.Lineage) error {
	if err := m.write(); err != nil {
		return err
	}
	m.of.Start.CleanImage, m.of.Start.State, m.of.Start.Successor = snapshot.Name(m.state.Path), last, successor
	return m.of.dir.WriteStart(&m.of.Start)
}
