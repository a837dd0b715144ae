package table

import (
	"errors"
	"fmt"

	"dlm/codec"
)

// ExportCursor is the progress of a shard's export.
type ExportCursor struct {
	next    uint32 // lock
	holder  uint32 // of a group, after the locks: a hold that is downgraded meanwhile is met there
	begun   bool
	phase   phase
	counter codec.Token
	changed uint32 // grace.changed
	ended   int64  // until of the last ended request that was copied; requests come after the holds
}

// Export appends the shard's holds to img, from the cursor on, after looking at no more than scan
// records. It returns true when it is done. The caller may unlock the shard in between. A hold that
// exists during the whole export is in the image; a hold that ended before is not. Holds granted
// during the export are left out, because the image's counter is that of its beginning.
//
// grace is set if the image was begun while the grace of any shard ran. Such an image proves no
// more than the one before it: its claim floor is that of the older image.
func (s *Shard) Export(at *ExportCursor, scan int, grace bool, img *codec.ShardImage) (done bool) {
	if !at.begun || at.phase != s.phase || at.changed != s.grace.changed || s.phase == graceEnds && at.counter != s.counter {
		// The end of a grace gives new tokens to holds on record, which would be left out. A lock
		// whose mode changes by a claim would be there in both modes.
		*at = ExportCursor{begun: true, phase: s.phase, counter: s.counter, changed: s.grace.changed}
		floor := s.counter
		if grace && s.phase != graceOver { // a shard whose grace is over has all holds on record
			floor = s.grace.floor
		}
		img.Reset(s.number, s.counter, floor)
	}
	for end := min(at.next+uint32(scan), s.locks.len()); at.next < end; at.next++ {
		l := s.locks.record(at.next)
		if l == nil || l.nameLen == 0 || l.token == 0 || l.token > at.counter {
			continue
		}
		if l.grouped() { // its holders follow
			img.Append(&codec.HoldImage{Token: l.token, Flags: codec.HoldFenced, Name: s.name(l)})
			continue
		}
		s.exportHold(l, nil, img)
	}
	if at.next < s.locks.len() {
		return false
	}
	if s.groups != nil && !s.exportHolders(at, scan, img) {
		return false
	}
	return s.exportEnded(at, scan, img)
}

// exportHolders is Export for the holders of groups.
func (s *Shard) exportHolders(at *ExportCursor, scan int, img *codec.ShardImage) (done bool) {
	holders := &s.groups.holders
	for end := min(at.holder+uint32(scan), holders.len()); at.holder < end; at.holder++ {
		h := holders.inUse(at.holder)
		if h == nil || h.token > at.counter {
			continue
		}
		s.exportHold(s.locks.at(h.lock), h, img)
	}
	return at.holder >= holders.len()
}

// exportHold appends a hold and the requests that were granted it.
func (s *Shard) exportHold(l *lock, h *holder, img *codec.ShardImage) {
	x, g := l.holdOf(h)
	m := codec.HoldImage{Token: x.token, Deadline: x.deadline, Since: g.since, TTLMs: x.ttlMs, Count: x.count,
		Flags: flagsOf[g.state], Name: s.name(l), Service: s.serviceOf(l, h), Meta: s.meta(g)}
	switch n := l.share().permits(); {
	case h == nil:
	case n > 0:
		m.Flags |= codec.HoldPermits
		m.Permits = n
	default:
		m.Flags |= codec.HoldShared
	}
	img.Append(&m)
	s.eachGranted(l, h, func(i uint32) { s.exportRequest(i, img) })
}

var flagsOf = [...]codec.HoldFlags{
	stateRenewed:   codec.HoldRenewed,
	stateConfirmed: codec.HoldConfirmed,
	stateReleased:  codec.HoldReleased,
	stateFenced:    codec.HoldFenced,
}

// Counter returns the last token given.
func (s *Shard) Counter() codec.Token { return s.counter }

// LongestTTL returns the longest lease of a present hold, in ms.
func (s *Shard) LongestTTL() (ms uint32) {
	s.eachHold(func(l *lock, h *holder) {
		if x, g := l.holdOf(h); g.state.held() {
			ms = max(ms, x.ttlMs)
		}
	})
	return ms
}

// GraceRuns reports whether the recovery grace of the shard still runs.
func (s *Shard) GraceRuns() bool { return s.phase != graceOver }

// Recovery says how Import brings holds back from an image.
type Recovery struct {
	// Grace is how long the grace lasts from now on, in ns. It is no shorter than any lease that
	// was given. Holds come back with their full lease, and at least until the end of the grace. 0
	// means no grace, because a clean stop wrote the image last. Then holds come back with the rest
	// of their leases.
	Grace     int64
	ImageTime int64 // table time of the image, ns
	Now       int64 // present table time, ns
}

// Import fills the empty shard from its part of an image. The error names an impossible record; the
// table is not usable after an error.
func (s *Shard) Import(img *codec.ShardImage, rec Recovery) error {
	if img.Shard != s.number || s.locks.live() != 0 {
		panic("BUG: an image for another shard, or a shard in use")
	}
	if img.Counter > s.counter {
		return fmt.Errorf("token counter %d is above this start's %d", img.Counter, s.counter)
	}
	s.now = rec.Now
	if rec.Grace > 0 {
		s.phase = graceRuns
		s.grace = grace{until: rec.Now + rec.Grace, floor: img.ClaimFloor, ceiling: s.counter}
		s.noteDue(tickOf(s.grace.until))
	}
	var h codec.HoldImage
	for i := range img.Len() {
		img.At(i, &h)
		if err := s.importHold(&h, rec); err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
	}
	if err := s.importRequests(img, rec); err != nil {
		return err
	}
	s.verify()
	return nil
}

// errShard is returned for a record that belongs elsewhere.
var errShard = errors.New("a lock of another shard: the file's seed does not fit, " +
	"or its format is older than version 7 and the name has more than 64 bytes")

func (s *Shard) importHold(h *codec.HoldImage, rec Recovery) error {
	ended := h.Count == 0
	if ended && rec.Grace == 0 {
		return nil // of a grace that is over
	}
	hash := s.table.Hash(h.Name)
	if s.table.Shard(hash) != s {
		return errShard
	}
	if h.Flags&(codec.HoldShared|codec.HoldPermits) != 0 {
		return s.importHolder(uint32(hash), h, rec)
	}
	if s.indexOf(uint32(hash), h.Name) != none {
		return fmt.Errorf("a lock that is there already")
	}
	s.lockQuota.takeAnyway(&s.table.locks) // a hold is never given up for a limit
	i, l := s.create(uint32(hash), h.Name)
	s.setService(l, h.Service)
	s.setMeta(&l.grantee, h.Meta)
	l.token, l.count, l.ttlMs, l.by = h.Token, h.Count, h.TTLMs, 0
	l.since = h.Since - rec.ImageTime + rec.Now
	switch {
	case h.Flags&codec.HoldReleased != 0:
		s.unhold(l, stateReleased)
		return nil
	case ended:
		s.unhold(l, stateFenced)
		return nil
	}
	l.state, l.deadline = rec.leaseOf(h)
	s.armLease(i, l)
	return nil
}

// leaseOf returns the state of a hold that comes back, and its deadline.
func (rec *Recovery) leaseOf(h *codec.HoldImage) (recoveryState, int64) {
	if rec.Grace > 0 {
		// A holder that has raised its TTL since the image relies on a longer lease, until it shows
		// the hold and learns how long its lease is.
		return stateUnverified, rec.Now + max(int64(h.TTLMs)*nsPerMs, rec.Grace)
	}
	return stateSettled, max(h.Deadline-rec.ImageTime, 0) + rec.Now // times are never below 0
}

// importHolder is importHold for a hold of a group.
func (s *Shard) importHolder(tag uint32, h *codec.HoldImage, rec Recovery) error {
	i, l, err := s.groupFor(tag, h)
	if err != nil {
		return err
	}
	if _, there := s.findHolder(i, l, h.Service); there != nil {
		return errors.New("a holder that is there already")
	}
	s.lockQuota.takeAnyway(&s.table.locks)
	hi, x := s.addHolder(i, l, h.Service, h.Token)
	s.setMeta(&x.grantee, h.Meta)
	x.count, x.ttlMs, x.since = h.Count, h.TTLMs, h.Since-rec.ImageTime+rec.Now
	switch {
	case h.Flags&codec.HoldReleased != 0:
		x.state = stateReleased
	case h.Count == 0:
		x.state = stateFenced
	default:
		x.state, x.deadline = rec.leaseOf(h)
		s.countHolder(l, x)
		s.armHolder(hi, x)
	}
	return nil
}

// groupFor returns the lock with the group that the hold belongs to. It makes it if there is none.
func (s *Shard) groupFor(tag uint32, h *codec.HoldImage) (uint32, *lock, error) {
	a := shared
	if h.Flags&codec.HoldPermits != 0 {
		a = share(h.Permits)
	}
	i, l := s.find(tag, h.Name)
	switch {
	case l == nil:
		s.lockQuota.takeAnyway(&s.table.locks)
		i = s.place(tag, h.Name)
		l = s.locks.at(i)
	case l.grouped() && l.share() == a:
		return i, l, nil
	case l.grouped():
		return none, nil, errors.New("a lock that is shared in two ways")
	case l.serviceLen != 0 && (l.token != h.Token || string(s.service(l)) != string(h.Service)):
		return none, nil, errors.New("a lock that is there already")
	case l.serviceLen != 0: // it was downgraded while the image was written
		s.unhold(l, stateFenced)
		l.token = 0
	}
	l.openGroup(a)
	return i, l, nil
}
