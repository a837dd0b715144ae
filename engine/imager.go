package engine

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
	// imageRest is how much longer than the last image took on a processor the
	// imager rests: images cost a tenth of a core at most.
	imageRest = 10
)

// imager writes images. Its fields belong to the goroutine "imager", and to the
// one that stops the server when that has ended; what others read is in state.
type imager struct {
	e      *Engine
	rec    *recovered
	number uint64    // of the last image of this start
	copied uint64    // Changes of all shards when they were copied for the last whole image
	looked time.Time // at the ceiling of tokens
	tries  repeated  // of images
	img    codec.ShardImage
	locked []time.Duration // of the last image's holds of a mutex

	mu    sync.Mutex
	state ImageState
}

// ImageState is what is known of the images of a server.
type ImageState struct {
	Path     string          // newest image; empty: none yet
	Header   snapshot.Header // of it
	Written  time.Time       // when it was complete
	AsOf     time.Time       // when the table was last known to be as in it; not after Written, but for Same
	Same     uint64          // how often no image was written since nothing had changed
	Took     time.Duration   // from begin to end
	CPU      time.Duration   // of it, on a processor
	LockP99  time.Duration   // of the times for which a shard's mutex was held
	LockMax  time.Duration
	Failures uint64 // images that could not be written
	Err      error  // of the last try; nil: it succeeded
}

// ImageState returns what is known of the images; ok is false in memory mode.
func (e *Engine) ImageState() (s ImageState, ok bool) {
	m := e.imager.Load()
	if m == nil {
		return s, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state, true
}

// run writes an image at each interval, until ctx ends.
//
// It keeps its thread: the CPU time of an image is that of the thread, and that of
// another one, with hours of work behind it, would let images rest for days.
func (m *imager) run(ctx context.Context) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	wait := m.e.cfg.SnapshotInterval
	for {
		if !m.rest(ctx, wait) {
			return
		}
		var written bool
		var err error
		beside(func() {
			tokens := m.extendTokens()
			written, err = m.update()
			err = errors.Join(tokens, err)
		})
		switch {
		case err == nil && m.tries.succeeded():
			m.e.cfg.Log.Info("images are written again")
		case err != nil && m.tries.failed(err, time.Now()):
			m.e.cfg.Log.Error("no image was written; each interval tries again", "error", err.Error())
		}
		if wait = m.e.cfg.SnapshotInterval; written {
			wait = max(wait, imageRest*m.cpu())
		}
	}
}

// rest waits, and keeps the ceiling of tokens ahead meanwhile. It returns false if ctx has ended.
func (m *imager) rest(ctx context.Context, wait time.Duration) bool {
	for ; wait > 0; wait -= tokenLookEvery {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(min(wait, tokenLookEvery)):
		}
		m.keepTokens()
	}
	return true
}

func (m *imager) cpu() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state.CPU
}

// write writes one image and removes those that are too many.
func (m *imager) write() error {
	began, cpu := time.Now(), clock.ThreadTime()
	path, header, copied, err := m.writeImage()
	if err == nil {
		m.e.retain(m.rec.dir)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state.Err = err
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
func (e *Engine) retain(dir *snapshot.Dir) {
	if err := dir.Retain(e.cfg.SnapshotKeep); err != nil {
		e.cfg.Log.Warn("old images can't be removed", "error", err.Error())
	}
}

func (m *imager) writeImage() (path string, header snapshot.Header, copied uint64, err error) {
	m.number++
	m.locked = m.locked[:0]
	w, err := m.rec.dir.Create(m.header())
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
	s := &m.rec.start
	h := snapshot.Header{
		Lineage: s.Lineage, Start: s.Number, Number: m.number, Seed: s.Seed,
		TableTime: m.e.clock.LeaseNow(), WallTime: m.e.cfg.now().UnixNano(),
		TokenStart: s.TokenStart, TokenCeiling: s.TokenCeiling, TTLLimitMs: s.TTLLimitMs,
	}
	for i := range table.Shards {
		shard := m.rec.table.ShardAt(i)
		shard.Lock()
		h.Grace = h.Grace || shard.GraceRuns()
		shard.Unlock()
	}
	return h
}

// fill copies shard after shard into the image. A shard is locked for some
// records at a time; all else happens outside. copied is the sum of the shards' Changes, each
// from before its first record: what changes while it is copied counts as later than the image.
func (m *imager) fill(w *snapshot.Writer) (path string, h snapshot.Header, copied uint64, err error) {
	for i := range table.Shards {
		shard, at, done := m.rec.table.ShardAt(i), table.ExportCursor{}, false
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
	w.Header().TokenCeiling = m.rec.start.TokenCeiling // the counters copied last may be above that of the beginning
	if err := m.rec.dir.Check(); err != nil {          // it took a while: the name must still be ours
		return "", h, 0, err
	}
	path, h, err = w.Commit()
	return path, h, copied, err
}

// finish writes the last image of a clean stop, when nothing is executed any
// more, and lets START name it.
func (m *imager) finish(role snapshot.Role, taker snapshot.Lineage) error {
	if err := m.write(); err != nil {
		return err
	}
	m.rec.start.CleanImage, m.rec.start.Role, m.rec.start.Taker = snapshot.Name(m.state.Path), role, taker
	return m.rec.dir.WriteStart(&m.rec.start)
}
