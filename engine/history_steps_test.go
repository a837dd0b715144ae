package engine

import (
	"slices"
	"strings"

	"dlm/codec"
)

// order is one command on one lock, as a service sends it.
type order struct {
	verb, service, lock, req string
	mode                     mode // of ACQUIRE
	permits, waitMs          int
	fresh, all, detect       bool
	sure                     bool // wanted is in the command
	wanted                   uint64
	mixed                    bool // the lock is used in modes that exclude each other
}

// operation is an order and its answer, or something that the server did by itself.
type operation struct {
	order
	code        string // OK, the code of an error, or empty: the answer is lost
	token       uint64
	count       int
	found       string // state, was, or why of an answer
	foundMode   mode
	foundHolder string
	holders     []holding
	cycle       []edge // DEADLOCK
	groupOf     int    // STATUS: how many holders there are, if it does not name them
	mayCancel   bool   // a CANCEL or a repeat of the request was sent
	call, ret   int64  // moments of the run, see history; it happened between them

	form  codec.Form // in which it is sent
	tag   string     // empty: none
	reply []string   // what the server has written: lines of text without the tag; nil: nothing yet
}

// edge is a part of a cycle: a lock, and a service that holds it.
type edge struct{ lock, holder string }

func (op *operation) key() string {
	if op.verb == "RELEASE" {
		return op.service + " R" + op.req
	}
	return op.service + " A" + op.req
}

// after returns the states in which the lock can be after the operation; none if it can't have
// happened in this state.
func (st *lockState) after(op *operation) []*lockState {
	step := map[string]func(*lockState, *operation) []*lockState{
		"ACQUIRE": (*lockState).acquire, "RELEASE": (*lockState).release, "HEARTBEAT": (*lockState).heartbeat,
		"UPGRADE": (*lockState).upgrade, "DOWNGRADE": (*lockState).downgrade, "FORCE-RELEASE": (*lockState).force,
		"CANCEL": (*lockState).cancel, "OUTCOME": (*lockState).outcome, "STATUS": (*lockState).status,
		"HOLDERS": (*lockState).status, "expired": (*lockState).expired, "taken back": (*lockState).takenBack,
		"downgraded": (*lockState).upgradeTakenBack, "seen": (*lockState).seen,
	}[op.verb]
	return step(st, op)
}

// states returns the states that are not nil.
func states(list ...*lockState) []*lockState {
	return slices.DeleteFunc(list, func(st *lockState) bool { return st == nil })
}

// when returns st if ok, and no state otherwise.
func (st *lockState) when(ok bool) []*lockState {
	if ok {
		return []*lockState{st}
	}
	return nil
}

func (st *lockState) acquire(op *operation) []*lockState {
	h, was := st.own(op.service), known{}
	if op.req != "" {
		was = st.request(op.key())
	}
	switch op.code {
	case "":
		if was.state != "" {
			return states(st) // nothing, or an answer
		}
		return states(st, st.acquired(op, 0, 0))
	case "OK":
		if was.state == "granted" {
			if st = st.learn(op.service, op.token); st == nil || h.count != op.count {
				return nil
			}
			return states(st)
		}
		if was.state != "" {
			return nil
		}
		return states(st.acquired(op, op.token, op.count))
	case "STALE":
		return st.when(ended(was.state))
	case "CANCELED":
		return st.when(op.mayCancel || was.state == "refused")
	}
	if was.state != "" {
		return nil
	}
	switch op.code {
	case "TIMEOUT":
		return st.when(st.mayTimeOut(op, h))
	case "HELD":
		return states(st.learn(op.service, op.token))
	case "DEADLOCK":
		return st.when(op.detect && st.mode != free)
	case "CONFLICT":
		return st.when(op.mixed || st.mode == shared && h.count > 0 && op.mode == exclusive)
	}
	return nil
}

// acquired is grant, and remembers the request.
func (st *lockState) acquired(op *operation, token uint64, count int) *lockState {
	next := st.grant(op, token, count)
	if next == nil || op.req == "" {
		return next
	}
	return next.remember(known{key: op.key(), state: "granted", token: next.own(op.service).token})
}

func ended(state string) bool {
	return state == "released" || state == "expired" || state == "forced"
}

// mayTimeOut reports whether somebody else can have kept the request from its grant.
func (st *lockState) mayTimeOut(op *operation, h holding) bool {
	switch {
	case st.mode == free:
		return false
	case op.foundHolder != "" && st.own(op.foundHolder).count == 0:
		return false
	case op.waitMs > 0:
		return true
	case op.mode == permits:
		return op.mixed || st.taken() == st.permits
	}
	// A repeat may have waited for its own service's hold.
	return h.count == 0 || op.req != "" && (op.fresh || op.mode == exclusive && st.mode == shared)
}

// owns decides about a command of a holder as far as all of them are alike. ok: it is executed in
// that state.
func (st *lockState) owns(op *operation) (next *lockState, ok bool) {
	h := st.own(op.service)
	switch op.code {
	case "NOTHELD":
		if st.mode != free {
			return nil, false
		}
	case "NOTOWNER":
		if st.mode == free || h.count > 0 {
			return nil, false
		}
	case "STALE":
		if h.count == 0 || !op.sure || h.token == op.wanted {
			return nil, false
		}
	case "OK":
		if h.count == 0 {
			return nil, false
		}
		if op.sure {
			st = st.learn(op.service, op.wanted)
		}
		return st, st != nil
	default:
		return nil, false
	}
	return st, false
}

func (st *lockState) release(op *operation) []*lockState {
	was := known{}
	if op.req != "" {
		was = st.request(op.key())
	}
	switch {
	case op.code == "" && was.state != "":
		return states(st)
	case op.code == "":
		h := st.own(op.service)
		if h.count == 0 || op.sure && st.learn(op.service, op.wanted) == nil {
			return states(st)
		}
		return states(st, st.released(op, h.token))
	case was.state == "done":
		return st.when(op.code == "OK" && (was.token == 0 || op.token == was.token) && op.count == was.count)
	}
	next, ok := st.owns(op)
	if !ok {
		return states(next)
	}
	if next = next.learn(op.service, op.token); next == nil {
		return nil
	}
	if next = next.released(op, op.token); next.own(op.service).count != op.count {
		return nil
	}
	return states(next)
}

// released returns the state after the RELEASE.
func (st *lockState) released(op *operation, token uint64) *lockState {
	n, why := 1, "released"
	if op.all {
		n = st.own(op.service).count
	}
	if op.sure {
		why = ""
	}
	next := st.giveBack(op.service, n, why)
	if op.req != "" {
		next = next.remember(known{op.key(), "done", token, next.own(op.service).count})
	}
	return next
}

func (st *lockState) heartbeat(op *operation) []*lockState {
	if op.code == "" {
		return states(st)
	}
	next, ok := st.owns(op)
	if !ok {
		return states(next)
	}
	return st.when(next.own(op.service).count == op.count && next.learn(op.service, op.token) != nil)
}

func (st *lockState) upgrade(op *operation) []*lockState {
	h := st.own(op.service)
	sole := st.mode == shared && h.count > 0 && len(st.held) == 1
	switch {
	case op.code == "" && sole && (!op.sure || h.token == 0 || h.token == op.wanted):
		return states(st, st.upgraded(op, 0))
	case op.code == "":
		return states(st)
	case op.code == "OK" && st.mode == exclusive:
		return st.heartbeat(op)
	case op.code == "OK":
		if !sole || op.token <= st.largest || h.count != op.count {
			return nil
		}
		return states(st.upgraded(op, op.token))
	case op.code == "TIMEOUT":
		return st.when(st.mode == shared && h.count > 0 && len(st.held) > 1)
	case op.code == "CONFLICT":
		return st.when(st.mode == permits || len(st.held) > 1)
	case op.code == "NOTHELD":
		return st.when(h.count == 0)
	}
	next, _ := st.owns(op)
	return states(next)
}

func (st *lockState) upgraded(op *operation, token uint64) *lockState {
	h := st.own(op.service)
	h.above = max(st.largest, h.token)
	h.token = token
	next := st.put(h)
	next.mode = exclusive
	return next
}

func (st *lockState) downgrade(op *operation) []*lockState {
	if op.code == "CONFLICT" {
		return st.when(st.mode == permits)
	}
	if op.code == "" {
		if h := st.own(op.service); st.mode == exclusive && h.count > 0 && (!op.sure || h.token == 0 || h.token == op.wanted) {
			return states(st, st.inMode(shared))
		}
		return states(st)
	}
	next, ok := st.owns(op)
	if !ok {
		return states(next)
	}
	if next = next.learn(op.service, op.token); next == nil || next.own(op.service).count != op.count {
		return nil
	}
	return states(next.inMode(shared))
}

func (st *lockState) inMode(m mode) *lockState {
	next := *st
	next.mode = m
	return &next
}

// force ends all holds, or that of the token.
func (st *lockState) force(op *operation) []*lockState {
	next := st
	for _, h := range st.held {
		if !op.sure || h.token == op.wanted {
			next = next.end(h.service, "forced")
		}
	}
	switch op.code {
	case "":
		return states(st, next)
	case "OK":
		return next.when(next != st)
	case "STALE":
		return st.when(op.sure && next == st)
	}
	return st.when(op.code == "NOTHELD" && st.mode == free)
}

// cancel ends a wait, gives back a count, or refuses what has not arrived.
func (st *lockState) cancel(op *operation) []*lockState {
	was := st.request(op.key())
	stands := was.state == "granted"
	gone := st.remember(known{key: op.key()})
	switch {
	case op.code == "" && stands:
		return states(st, gone.giveBack(op.service, 1, "released"))
	case op.code == "" && !ended(was.state): // it may have waited
		return states(st, gone, st.remember(known{key: op.key(), state: "refused"}))
	case op.code == "":
		return states(st)
	case op.found == "waiting":
		return gone.when(was.state == "")
	case op.found == "granted":
		if !stands || st.learn(op.service, op.token) == nil {
			return nil
		}
		return states(gone.learn(op.service, op.token).giveBack(op.service, 1, "released"))
	case stands:
		return nil
	case ended(was.state):
		return states(st)
	}
	return states(st.remember(known{key: op.key(), state: "refused"}))
}

func (st *lockState) outcome(op *operation) []*lockState {
	was := st.request(op.key())
	switch op.found {
	case "":
		return states(st)
	case "granted":
		next := st.learn(op.service, op.token)
		return st.when(was.state == "granted" && next != nil && next.own(op.service).count == op.count)
	case "waiting", "unknown", "timeout":
		return st.when(was.state == "")
	case "canceled":
		return st.when(was.state == "" || was.state == "refused")
	}
	return st.when(was.state == op.found)
}

// status compares an answer of STATUS or HOLDERS.
func (st *lockState) status(op *operation) []*lockState {
	if op.code == "" {
		return states(st)
	}
	if op.verb == "STATUS" && (st.mode != op.foundMode || st.mode == permits && st.taken() != op.count) {
		return nil
	}
	if op.groupOf > 0 {
		return st.when(len(st.held) == op.groupOf)
	}
	if len(op.holders) != len(st.held) {
		return nil
	}
	for _, h := range op.holders {
		if st = st.learn(h.service, h.token); st == nil || st.own(h.service).count != h.count {
			return nil
		}
	}
	return states(st)
}

// expired is the end of a lease, as the server reports it.
func (st *lockState) expired(op *operation) []*lockState {
	if st = st.learn(op.service, op.token); st == nil {
		return nil
	}
	return states(st.end(op.service, "expired"))
}

// takenBack undoes one grant that was not delivered. Its request, if it had REQ, waits again.
func (st *lockState) takenBack(op *operation) (list []*lockState) {
	st = st.learn(op.service, op.token)
	if st == nil || st.own(op.service).count != op.count+1 {
		return nil
	}
	list = append(list, st.giveBack(op.service, 1, "released"))
	for _, k := range st.known {
		if k.state == "granted" && strings.HasPrefix(k.key, op.service+" ") {
			list = append(list, st.remember(known{key: k.key}).giveBack(op.service, 1, "released"))
		}
	}
	return list
}

// upgradeTakenBack undoes an UPGRADE that was not delivered. A DOWNGRADE whose answer is lost
// looks the same.
func (st *lockState) upgradeTakenBack(op *operation) []*lockState {
	next := st.learn(op.service, op.token)
	if next == nil || next.mode == free || next.mode == permits {
		return nil
	}
	return states(next.inMode(shared))
}

// seen is a hold that the answer to another command has named.
func (st *lockState) seen(op *operation) []*lockState { return st.when(st.own(op.service).count > 0) }
