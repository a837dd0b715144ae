package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"dlm/codec"
	"dlm/engine"
	"dlm/engine/auth"
	"dlm/engine/observe"
)

const (
	liveEvery  = time.Second
	streamsMax = 16              // viewers of the stream
	streamsOwn = streamsMax / 4  // of one caller, so that nobody alone has all of them
	frameMax   = 8 << 10         // bytes of one tick
	writeMax   = 5 * time.Second // for one frame
	hotRows    = 10              // locks in a tick
	tickEvents = 20              // events in a tick
)

// tick is the whole state of a server in one frame of the stream.
type tick struct {
	Seq       uint64             `json:"seq"` // of the sample
	AtMs      int64              `json:"at_ms"`
	UptimeMs  int64              `json:"uptime_ms"`
	Role      string             `json:"role"`
	Ready     bool               `json:"ready"`
	ImageAge  int64              `json:"image_age_ms"` // of a backup: of what it serves; 0: none
	Now       map[string]float64 `json:"now"`          // the columns of history
	Hot       *observe.TopAnswer `json:"hot"`
	Events    []observe.Event    `json:"events"` // since the frame before
	Next      uint64             `json:"next"`   // number of the next event
	Warnings  []engine.Warning   `json:"warnings"`
	Truncated bool               `json:"truncated"` // rows or events did not fit
}

// live sends a tick a second to all streams. It does nothing while there is none.
type live struct {
	s    *Server
	done chan struct{} // closed when the HTTP side stops

	mu      sync.Mutex
	streams map[*stream]bool // guarded by mu
	since   uint64           // number of the next event to send; the goroutine "live" owns it
}

// stream is one viewer. Its box has one place, so that a slow viewer misses frames and delays
// nobody.
type stream struct {
	asked  *http.Request // the request, whose credential is looked up again for each frame
	of     callerKey
	box    chan []byte
	missed int // frames; the goroutine "live" owns it
}

func newLive(s *Server) *live {
	return &live{s: s, done: make(chan struct{}), streams: map[*stream]bool{}}
}

// run is the goroutine "live", until the HTTP side stops.
func (l *live) run() {
	every := time.NewTicker(liveEvery)
	defer every.Stop()
	for {
		select {
		case <-l.done:
			return
		case <-every.C:
			l.send()
		}
	}
}

// add adds a stream. It returns why there is no place for it, or nil.
func (l *live) add(st *stream) *refusal {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := 0
	for other := range l.streams {
		if other.of == st.of {
			own++
		}
	}
	switch {
	case own >= streamsOwn:
		return refuse(codec.Limit, "this address, or this token there, has %d streams already", own)
	case len(l.streams) >= streamsMax:
		return refuse(codec.Limit, "%d viewers look already", streamsMax)
	}
	l.streams[st] = true
	return nil
}

func (l *live) remove(st *stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.streams, st)
}

// open returns the streams.
func (l *live) open() (list []*stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for st := range l.streams {
		list = append(list, st)
	}
	return list
}

// send makes one frame for all who see all names, and one for each other viewer.
func (l *live) send() {
	list := l.open()
	if len(list) == 0 {
		l.since = l.s.engine.Observe().NextEvent()
		return
	}
	base := l.tick()
	var shared []byte
	for _, st := range list {
		who, known := l.s.identify(st.asked)
		if !known || !rankLook.allows(nil, who.Role) {
			l.remove(st)
			close(st.box)
			continue
		}
		frame := shared
		if frame == nil || !who.AllNames() {
			frame = l.frame(base, &who)
			if who.AllNames() {
				shared = frame
			}
		}
		st.put(frame)
	}
	l.since = l.s.engine.Observe().NextEvent()
}

// put puts a frame into the box, unless the last one is still there.
func (st *stream) put(frame []byte) {
	if st.missed > 0 {
		frame = append(fmt.Appendf(nil, "event: missed\ndata: {\"missed\":%d}\n\n", st.missed), frame...)
	}
	select {
	case st.box <- frame:
		st.missed = 0
	default:
		st.missed++
	}
}

// tick makes what does not depend on the viewer.
func (l *live) tick() tick {
	e := l.s.engine
	t := tick{AtMs: time.Now().UnixMilli(), Warnings: e.Warnings(), Role: "primary"}
	t.Now, t.Seq = e.Observe().Last()
	st := e.Stats()
	t.UptimeMs, t.Ready = st.Uptime.Milliseconds(), st.Ready
	if st.Backup {
		t.Role, t.ImageAge = "backup", st.Staleness.Milliseconds()
	}
	if st.Image.Path != "" {
		t.ImageAge = max(time.Since(st.Image.AsOf).Milliseconds(), 1)
	}
	return t
}

// frame encodes a tick for one visitor. If long names make it too large, half of the rows and
// events are left out, until it fits.
func (l *live) frame(t tick, who *auth.Identity) []byte {
	o := l.s.engine.Observe()
	ctx, cancel := context.WithTimeout(context.Background(), liveEvery/2)
	t.Hot = o.Top(ctx, observe.ByWaiters, hotRows, who)
	cancel()
	for i := range t.Hot.Rows {
		t.Hot.Rows[i].Meta = nil
	}
	page := o.Events(l.since, tickEvents, who)
	t.Events, t.Next = page.Rows, page.Next
	for {
		data, err := json.Marshal(&t)
		if err != nil {
			return nil
		}
		if len(data) <= frameMax || len(t.Hot.Rows)+len(t.Events)+len(t.Warnings) == 0 {
			return fmt.Appendf(nil, "id: %d\nevent: tick\ndata: %s\n\n", t.Seq, data)
		}
		t.Truncated = true
		t.Hot.Rows, t.Events = t.Hot.Rows[:len(t.Hot.Rows)/2], t.Events[:len(t.Events)/2]
		if len(t.Hot.Rows)+len(t.Events) == 0 {
			t.Warnings = []engine.Warning{}
		}
	}
}

// apiLive answers the stream.
func (s *Server) apiLive(w http.ResponseWriter, c *call) {
	r := c.Request
	st := &stream{asked: r, of: c.caller(), box: make(chan []byte, 1)}
	if full := s.live.add(st); full != nil {
		w.Header().Set("Retry-After", "10")
		writeRefusal(w, full)
		return
	}
	defer s.live.remove(st)
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // the server's own bound is for requests
	// After the stream, the server would wait for a body that was announced and never comes.
	defer func() { _ = control.SetReadDeadline(time.Now()) }()
	s.conns.leaveOut(r)
	closeAfter(w)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	write := func(b []byte) bool {
		_ = control.SetWriteDeadline(time.Now().Add(writeMax))
		_, err := w.Write(b)
		return err == nil && control.Flush() == nil
	}
	for open := write([]byte(": dlm\n\n")); open; {
		select {
		case frame, known := <-st.box:
			if !known {
				write(endFrame(codec.Denied, "this token may not look any more"))
				return
			}
			open = write(frame)
		case <-r.Context().Done():
			return
		case <-s.live.done:
			write(endFrame(codec.Shutdown, "the server is stopping"))
			return
		}
	}
}

func endFrame(code codec.Code, words string) []byte {
	return fmt.Appendf(nil, "event: end\ndata: {\"code\":%q,\"message\":%q}\n\n", code, words)
}
