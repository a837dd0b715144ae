package mutants

// mutant is one broken rule.
type mutant struct {
	name string
	file string // from the root of the module
	old  string // is found there exactly once
	new  string
	by   []string // keys of tests; each of them must catch it
}

// tests are runs of the go command that catch mutants.
var tests = map[string]struct{ pkg, run string }{
	"rules":       {"./table", "^TestScripts$"},
	"model":       {"./table", "^TestModel$"},
	"pauses":      {"./table", "^(TestLeases|TestLag|TestWaitsCount)"},
	"answers":     {"./engine", "^TestTranscripts$"},
	"histories":   {"./engine", "^TestHistoriesAreThoseOfLocks$"},
	"without REQ": {"./engine", "^TestHistoriesWithoutReq$"},
	"heartbeats":  {"./engine", "^TestHeartbeatsInSockets"},
	"cut":         {"./engine", "^TestVerbsCutAtEachByte$"},
}

var list = []mutant{
	{"the last request that waits is the first", "table/waiter.go",
		"s.linkWaiter(lockIndex, i, s.locks.at(lockIndex).last, none)", "s.linkWaiter(lockIndex, i, none, s.locks.at(lockIndex).first)",
		[]string{"rules", "model", "histories", "without REQ"}},
	{"a request without a connection is granted", "table/detached.go",
		"if s.detached > 0 && s.isDetached(at) {", "if false {",
		[]string{"rules"}},
	{"a grant after a wait repeats the last token", "table/grant.go",
		"	s.counter++\n	s.counts.Grants++", "	if s.counter&1 == 0 {\n		s.counter++\n	}\n	s.counts.Grants++",
		[]string{"rules", "model", "histories", "without REQ"}},
	{"a release takes two counts", "table/release.go",
		"	gone := uint32(1)\n", "	gone := min(2, x.count)\n",
		[]string{"rules", "model", "histories", "without REQ"}},
	{"a repeat of an ACQUIRE counts", "table/repeat.go",
		"			q.repeated = true\n", "			q.repeated = true\n			x.count++\n",
		[]string{"rules", "histories"}},
	{"a repeat of a RELEASE counts", "table/repeat.go",
		"if at != none && !s.requests.at(at).state.over() {", "if at != none && !s.requests.at(at).state.over() && s.requests.at(at).state != requestDone {",
		[]string{"rules", "histories"}},
	{"CANCEL of a grant gives nothing back", "table/cancel.go",
		"	s.giveBack(i, s.locks.at(i), hi, h, cmd, fx, r)\n", "	r.Token, _ = x.token, hi\n	_ = h\n",
		[]string{"rules", "histories", "cut"}},
	{"CANCEL ahead refuses nothing", "table/repeat.go",
		"	case requestRefused:\n		r.Code = codec.Canceled", "	case requestRefused:\n		s.execute(i, s.requests.at(at).tag, cmd, from, fx, r)",
		[]string{"rules", "histories"}},
	{"a reader overtakes a writer that waits", "table/group.go",
		"want, may := shareOf(cmd), s.attachedFrom(l.first) == none && l.hasRoom()", "want, may := shareOf(cmd), l.hasRoom()",
		[]string{"rules", "model", "histories", "without REQ"}},
	{"UPGRADE keeps the token", "table/upgrade.go",
		"l.token, l.since, l.state = s.counter, s.now, stateSettled", "l.since, l.state = s.now, stateSettled",
		[]string{"rules", "model", "histories", "without REQ"}},
	{"a second UPGRADE waits", "table/upgrade.go",
		"case l.share() != shared, l.first != none && s.waiters.at(l.first).share == upgrading:", "case l.share() != shared:",
		[]string{"rules"}},
	{"one permit too many is given", "table/group.go",
		"l.taken() < int64(l.ttlMs)", "l.taken() <= int64(l.ttlMs)",
		[]string{"rules", "model", "histories", "without REQ"}},
	{"leases run on while the server stands still", "table/pauses.go",
		"return max(0, s.now-s.table.pauses.Lag.Load())", "return s.now",
		[]string{"pauses", "heartbeats"}},
	{"the lease of a reader does not end", "table/lease.go",
		"	if h.deadline > leaseNow {\n", "	if h.deadline > leaseNow || s.locks.at(h.lock).share() == shared {\n		h.deadline += 1_000_000_000\n",
		[]string{"rules", "model", "histories"}},
	{"a lease ends early", "table/lease.go",
		"	case l.deadline <= leaseNow:\n", "	case l.deadline-200_000_000 <= leaseNow:\n",
		[]string{"model", "histories", "without REQ"}},
	{"a renewal makes a lease shorter", "table/lease.go",
		"h.deadline = max(h.deadline, s.now+int64(h.ttlMs)*nsPerMs)", "h.deadline = s.now + int64(h.ttlMs)*nsPerMs",
		[]string{"rules", "model"}},
	{"a lost connection keeps its place for ever", "table/detached.go",
		"	w.deadline = min(w.deadline, s.waitNow()+keep)\n", "",
		[]string{"rules", "answers"}},
	{"a repeat goes to the end of the queue", "table/repeat.go",
		"	w.generation = s.waiters.renew(i)\n", `	w.generation = s.waiters.renew(i)
	if l := s.locks.at(w.lock); l.last != i {
		if s.waiters.at(w.next).prev = w.prev; w.prev == none {
			l.first = w.next
		} else {
			s.waiters.at(w.prev).next = w.next
		}
		l.waiters--
		s.linkWaiter(w.lock, i, l.last, none)
	}
`,
		[]string{"rules", "histories"}},
	{"a grant that can't be delivered stays", "table/release.go",
		"	i, l, hi, h := s.settledHold(hold, fx)\n	if l == nil {", "	i, l, hi, h := s.settledHold(hold, fx)\n	if true {",
		[]string{"rules", "answers"}},
	{"a request whose time is over is granted", "table/grant.go",
		"		case w.deadline <= s.waitNow():\n			s.timeOut(at, fx)\n", "",
		[]string{"rules", "model"}},
	{"FRESH enters again", "table/acquire.go",
		"	case own && cmd.Has(codec.OptFresh):\n		r.Code, r.Token = codec.AlreadyHeld, l.token\n", "",
		[]string{"rules", "model", "histories", "without REQ"}},
	{"a RELEASE with an old token acts", "table/hold.go",
		"	if cmd.Has(codec.OptToken) && cmd.Token != token {\n", "	if cmd.Has(codec.OptToken) && cmd.Token != token && false {\n",
		[]string{"rules", "model", "histories", "without REQ"}},
	{"FORCE-RELEASE lets others in between", "table/group.go",
		"	s.takeOut(l, hi, h, stateFenced)\n", "	s.endHold(h.lock, l, hi, h, stateFenced, fx)\n",
		[]string{"rules", "model", "histories"}},
	{"DOWNGRADE takes a new token", "table/upgrade.go",
		"	l.token = 0\n	return h\n", "	l.token = 0\n	s.counter++\n	h.token = s.counter\n	return h\n",
		[]string{"rules", "model", "histories", "without REQ"}},
	{"DETECT names who waits, and not who holds", "engine/detect.go",
		"cycle[i].Lock, cycle[i].Holder, len(data)", "cycle[i].Lock, cycle[i].Service, len(data)",
		[]string{"answers", "histories", "without REQ"}},
	{"a command after an untagged wait does not wait", "engine/pending.go",
		"return p.waiting || p.stuck || p.resuming || p.paused", "return p.stuck || p.resuming || p.paused",
		[]string{"answers", "histories", "without REQ"}},
	{"ALIVE is a promise that nobody keeps track of", "engine/sweep.go",
		"case c.alive > 0 && r.silent(c):", "case false && r.silent(c):",
		[]string{"answers"}},
}
