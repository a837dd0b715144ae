package observe

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// viewRest is how many times the processor time that it cost a view rests. So views cost 1 % of
	// a core, however many people look.
	viewRest = 100
	// viewRestMin is the shortest rest, because a view of a small table costs almost nothing.
	viewRestMin = 250 * time.Millisecond
	// hurryRest and hurryRestMin are those of a view that a request with DETECT waits for. So there
	// are at most 200 of them a second, and they cost 10 % of a core.
	hurryRest    = 10
	hurryRestMin = 5 * time.Millisecond
	// viewIdle is the age at which a view is made again that nobody wants, because metrics tell of
	// it.
	viewIdle = time.Minute
	// viewWait is how long a question waits for a new view. After it the question is answered from
	// the old one, whose age is told.
	viewWait = time.Second
	// freshWait is how long a question waits for a view that was begun after it.
	freshWait = 5 * time.Second
	// lendFrom is the cost from which on making a view borrows a thread. Lending one stops all
	// threads for some 20 µs.
	lendFrom = time.Millisecond
)

// view is the result of a walk, which all viewers share.
type view[T any] struct {
	make func(Served) *T

	mu     sync.Mutex
	last   *T            // immutable; nil: none yet; guarded by mu
	began  time.Time     // when the walk of last began; guarded by mu
	at     time.Time     // when last was made; guarded by mu
	cost   time.Duration // on a processor; guarded by mu
	wanted bool          // guarded by mu
	next   chan struct{} // closed when the next is made; guarded by mu

	hurry atomic.Bool // the next is made as soon as the shorter rest is over
}

func (v *view[T]) init(make_ func(Served) *T) {
	v.make, v.next = make_, make(chan struct{})
}

// rest returns how old the view must be before it is made again. The caller holds v.mu.
func (v *view[T]) rest() time.Duration {
	if v.hurry.Load() {
		return max(hurryRest*v.cost, hurryRestMin)
	}
	return max(viewRest*v.cost, viewRestMin)
}

// want makes sure that the view is made again after its rest.
func (v *view[T]) want() {
	v.mu.Lock()
	v.wanted = true
	v.mu.Unlock()
}

// after returns the view once it is another one than that, or nil if ctx ends before.
func (v *view[T]) after(ctx context.Context, that *T) *T {
	for {
		v.mu.Lock()
		last, next := v.last, v.next
		v.mu.Unlock()
		if last != that {
			return last
		}
		select {
		case <-next:
		case <-ctx.Done():
			return nil
		}
	}
}

// get returns the view, and how old it is. It waits up to viewWait for a new one, unless the view
// is younger than its rest.
func (v *view[T]) get(ctx context.Context, o *Observer) (*T, time.Duration) {
	return v.wait(ctx, o, viewWait, func() bool { return time.Since(v.at) < v.rest() })
}

// fresh returns a view that was begun after the call, and how old it is. It waits for freshWait at
// most; after that the view is an older one.
func (v *view[T]) fresh(ctx context.Context, o *Observer) (*T, time.Duration) {
	asked := time.Now()
	return v.wait(ctx, o, freshWait, func() bool { return !v.began.Before(asked) })
}

// wait lets the view be made until it is good, which good reports with v.mu locked, or the time is
// over. It returns the view, and how old it is.
func (v *view[T]) wait(ctx context.Context, o *Observer, most time.Duration, good func() bool) (*T, time.Duration) {
	if !o.runs.Load() {
		v.renew(o)
		return v.peek(), 0
	}
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	v.mu.Lock()
	defer v.mu.Unlock()
	for (v.last == nil || !good()) && ctx.Err() == nil {
		v.wanted = true
		next := v.next
		v.mu.Unlock()
		o.ring()
		select {
		case <-next:
		case <-ctx.Done():
		}
		v.mu.Lock()
	}
	if v.last == nil {
		return new(T), 0
	}
	return v.last, time.Since(v.at)
}

// peek returns the last view without asking for a new one, or nil.
func (v *view[T]) peek() *T {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.last
}

// turn makes the view if it is time, and returns when to look again.
func (v *view[T]) turn(o *Observer) time.Duration {
	v.mu.Lock()
	left := v.rest() - time.Since(v.at)
	if !v.wanted && !v.hurry.Load() {
		left = viewIdle - time.Since(v.at)
	}
	v.mu.Unlock()
	if left > 0 {
		return left
	}
	v.renew(o)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.wanted || v.hurry.Load() {
		return v.rest()
	}
	return viewIdle
}

// renew makes the view.
func (v *view[T]) renew(o *Observer) {
	v.mu.Lock()
	lend := o.cfg.Lend
	if v.cost < lendFrom && v.last != nil {
		lend = func(work func()) { work() }
	}
	v.wanted = false
	v.mu.Unlock()
	v.hurry.Store(false) // before the walk: it sees who was in a hurry
	var made *T
	began, cpu := time.Now(), o.cfg.CPU()
	lend(func() { made = v.make(o.cfg.Served()) })
	cost := o.cfg.CPU() - cpu
	v.mu.Lock()
	defer v.mu.Unlock()
	v.last, v.began, v.at, v.cost = made, began, time.Now(), cost
	close(v.next)
	v.next = make(chan struct{})
}
