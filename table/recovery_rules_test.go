package table

import (
	"slices"

	"dlm/codec"
)

// rule names a rule of the recovery that a run can leave out.
type rule string

const (
	ruleNone      rule = ""
	ruleStart     rule = "tokens start above all ceilings"
	ruleLeap      rule = "tokens leap after a copied or older image"
	ruleLease     rule = "full lease on restart"
	ruleGrants    rule = "no grants in grace"
	ruleGrace     rule = "grace is no shorter than the longest lease"
	ruleReenter   rule = "re-entry only after TOKEN"
	ruleFloor     rule = "claims only above the image's counter"
	ruleCeiling   rule = "claims only up to the token start"
	ruleLarger    rule = "a larger token replaces the holder"
	ruleTombstone rule = "a released hold stays on record"
	ruleBarred    rule = "nothing up to a forced token is believed"
	// No lease is longer than the grace, so an unverified hold ends with its lease by then. This
	// rule shows only if the grace is too short as well.
	ruleUnseen     rule = "unseen holds end with the grace"
	ruleRetoken    rule = "renewed without TOKEN gets a new token"
	ruleOlderFloor rule = "an image of the grace keeps the older floor"
	ruleCounter    rule = "an image has the counter of its beginning"
	ruleClean      rule = "only START says that a stop was clean"
	ruleCarry      rule = "START keeps the longest lease of the start before"
	ruleAge        rule = "the leap grows with the age of the image"
	ruleCount      rule = "COUNT sets the count"
)

// allRules has, for each rule, the violation that its absence leads to, and a seed that shows it.
var allRules = []struct {
	out   rule
	finds string
	seed  uint64
}{
	{ruleStart, "token", 4},
	{ruleLeap, "token", 232},
	{ruleLease, "lost", 1573},
	{ruleGrants, "overlap", 1},
	{ruleGrace, "overlap", 2},
	{ruleReenter, "overlap", 29},
	{ruleFloor, "ended", 145},
	{ruleCeiling, "bogus", 1},
	{ruleLarger, "lost", 1},
	{ruleTombstone, "smaller", 147},
	{ruleBarred, "barred", 20},
	{ruleUnseen, "unseen", 1},
	{ruleRetoken, "old token", 180},
	{ruleOlderFloor, "lost", 16},
	{ruleCounter, "lost", 155},
	{ruleClean, "overlap", 1},
	{ruleCarry, "overlap", 5703},
	{ruleAge, "token", 4069},
	{ruleCount, "count", 40},
}

// distort and decided change what a start knows and decides, as a server without the rule would.

// distort is called before the plan of a start.
func (w *recWorld) distort(f *RecFacts) {
	if w.out == ruleAge && f.Image != nil {
		f.Image.WallTime = f.Wall.UnixNano()
	}
}

// decided is called after it.
func (w *recWorld) decided(p *RecPlan, img *recImage) {
	s := &p.Start
	switch w.out {
	case ruleStart:
		reserve := s.TokenCeiling - s.TokenStart
		s.TokenStart = w.decide(w.facts()).Start.TokenStart // by the wall clock alone
		for i := range w.names {
			hash := w.table.Hash(w.names[i])
			if img != nil {
				s.TokenStart = max(s.TokenStart, img.shards[slices.Index(w.shards, int(hash>>56))].Counter)
			}
		}
		s.TokenCeiling = s.TokenStart + reserve
	case ruleLeap:
		s.TokenStart, s.TokenCeiling = s.TokenStart-p.Leap, s.TokenCeiling-p.Leap
	case ruleClean:
		if img != nil && img.last && !img.Grace {
			p.Recovery.Grace, s.TTLLimitMs = 0, w.graceMs
		}
	case ruleCarry:
		s.TTLLimitMs = w.graceMs
	case ruleGrace, ruleUnseen:
		p.Recovery.Grace = min(p.Recovery.Grace, 500*nsPerMs)
	}
}

// The functions below change the records of a shard as a table without the rule would. The package
// itself does not know of them.

// imported is called after the import of an image.
func (w *recWorld) imported(s *Shard, img *recImage) {
	switch w.out {
	case ruleFloor:
		s.grace.floor = 0
	case ruleCeiling:
		s.grace.ceiling = codec.TokenMax
	case ruleLease:
		var h codec.HoldImage
		for j := range w.shards {
			if w.shards[j] != int(s.number) {
				continue
			}
			for k := range img.shards[j].Len() {
				img.shards[j].At(k, &h)
				i := s.indexOf(uint32(w.table.Hash(h.Name)), h.Name)
				if l := s.locks.at(i); l.state == stateUnverified {
					l.deadline = h.Deadline - img.TableTime
					s.armLease(i, l)
				}
			}
		}
	}
}

// graceCame is called before the first call on a shard at or after the end of its grace.
func (w *recWorld) graceCame(s *Shard) {
	if s.phase != graceRuns || w.tableNow() < s.grace.until {
		return
	}
	for i := range s.locks.len() {
		l := s.locks.record(i)
		if l == nil || l.nameLen == 0 || l.deadline <= w.tableNow() {
			continue
		}
		if w.out == ruleUnseen && l.state == stateUnverified || w.out == ruleRetoken && l.state == stateRenewed {
			l.state = stateConfirmed
		}
	}
}

// instead is called before a command. It may answer the command, or return how to undo what it did.
func (w *recWorld) instead(s *Shard, i uint32, cmd *codec.Command, r *Result) (done bool, undo func()) {
	if s.phase != graceRuns || w.tableNow() >= s.grace.until {
		return false, nil
	}
	switch {
	case w.out == ruleGrants && cmd.Verb == codec.VerbAcquire && i == none:
		s.phase = graceOver
		return false, func() { s.phase = graceRuns }
	case w.out == ruleReenter && cmd.Verb == codec.VerbAcquire && i != none && s.holds(i, cmd.Service):
		l := s.locks.at(i)
		was, token := l.state, l.token
		l.state = stateConfirmed
		return false, func() {
			if l.state == stateConfirmed && l.token == token {
				l.state = was
			}
		}
	case w.out == ruleLarger && cmd.Has(codec.OptToken) && i != none:
		if l := s.locks.at(i); l.state.held() && l.deadline > w.tableNow() && cmd.Token > l.token {
			r.Code = codec.Stale
			return true, nil
		}
	case w.out == ruleCount:
		cmd.Opts &^= codec.OptCount
	}
	return false, nil
}

// afterwards is called after a command of a grace. A record that would not exist without the rule
// is freed, or keeps only its waiting requests.
func (w *recWorld) afterwards(s *Shard, i uint32, verb codec.Verb) {
	if i == none || s.phase != graceRuns || s.locks.at(i).nameLen == 0 {
		return
	}
	l := s.locks.at(i)
	if w.out == ruleTombstone && l.state == stateReleased ||
		w.out == ruleBarred && l.state == stateFenced && verb == codec.VerbForceRelease {
		s.dropService(l)
		l.state, l.token = stateFenced, 0
		s.forgetEmpty(i)
	}
}

// exported is called after each piece of an image of a shard.
func (w *recWorld) exported(s *Shard, img *codec.ShardImage) {
	if w.out == ruleCounter && s.phase == graceOver {
		img.Counter, img.ClaimFloor = s.counter, s.counter
	}
}
