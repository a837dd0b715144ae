package engine

import (
	"cmp"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"
)

// historyModel is one lock as clients may understand it: who holds it, how often and under which
// token, and what became of requests with REQ. It has no time. The end of a lease is an operation
// that the server reports, and so is a grant that it has taken back. It has no queue either:
// queueCheck has the order. An operation whose answer was lost may have happened or not.
var historyModel = (&porcupine.NondeterministicModel{
	Init: func() []any { return []any{&lockState{}} },
	Step: func(state, input, _ any) (next []any) {
		for _, st := range state.(*lockState).after(input.(*operation)) {
			next = append(next, st)
		}
		return next
	},
	Equal: func(a, b any) bool { return a.(*lockState).equal(b.(*lockState)) },
	Hash:  func(st any) uint64 { return st.(*lockState).hash() },
}).ToModel()

// lockState is a state of the model. It is never changed.
type lockState struct {
	permits int       // of a semaphore
	mode    mode      // free: nobody holds it
	held    []holding // by service
	known   []known   // by key
	largest uint64    // the largest token of which an answer was seen
}

type mode string

const (
	free      mode = ""
	exclusive mode = "exclusive"
	shared    mode = "shared"
	permits   mode = "permits"
)

// holding is the hold of one service.
type holding struct {
	service string
	token   uint64 // 0: not known, but larger than above
	above   uint64
	count   int
}

// known is what is remembered of a request with REQ.
type known struct {
	key   string // service, verb and id
	state string // granted, refused, done, or why its hold ended
	token uint64 // granted and done; 0: not known
	count int    // done
}

func (st *lockState) equal(b *lockState) bool {
	return st == b || st.mode == b.mode && st.permits == b.permits && st.largest == b.largest &&
		slices.Equal(st.held, b.held) && slices.Equal(st.known, b.known)
}

func (st *lockState) hash() uint64 {
	sum := st.largest*31 + uint64(len(st.known))*7 + uint64(len(st.mode))
	for _, h := range st.held {
		sum = sum*31 + h.token*7 + uint64(h.count)
	}
	return sum
}

// own returns the hold of the service; count 0: none.
func (st *lockState) own(service string) holding {
	for _, h := range st.held {
		if h.service == service {
			return h
		}
	}
	return holding{}
}

func (st *lockState) taken() (n int) {
	for _, h := range st.held {
		n += h.count
	}
	return n
}

func (st *lockState) request(key string) known {
	if i, ok := slices.BinarySearchFunc(st.known, key, compareKey); ok {
		return st.known[i]
	}
	return known{}
}

func compareKey(k known, key string) int { return cmp.Compare(k.key, key) }

// remember returns the state with the request; without one of an empty state.
func (st *lockState) remember(k known) *lockState {
	next := *st
	next.known = slices.DeleteFunc(slices.Clone(st.known), func(x known) bool { return x.key == k.key })
	if k.state != "" {
		i, _ := slices.BinarySearchFunc(next.known, k.key, compareKey)
		next.known = slices.Insert(next.known, i, k)
	}
	return &next
}

// put returns the state with that hold of its service in place of the one before.
func (st *lockState) put(h holding) *lockState {
	next := *st
	next.held = slices.DeleteFunc(slices.Clone(st.held), func(x holding) bool { return x.service == h.service })
	i, _ := slices.BinarySearchFunc(next.held, h, func(a, b holding) int { return cmp.Compare(a.service, b.service) })
	next.held = slices.Insert(next.held, i, h)
	next.largest = max(st.largest, h.token)
	return &next
}

// end returns the state without the hold of the service. Its requests are remembered with why, or
// forgotten if that is empty.
func (st *lockState) end(service, why string) *lockState {
	next := *st
	next.held = slices.DeleteFunc(slices.Clone(st.held), func(x holding) bool { return x.service == service })
	if len(next.held) == 0 {
		next.mode, next.permits = free, 0
	}
	next.known = nil
	for _, k := range st.known {
		if strings.HasPrefix(k.key, service+" ") && k.state == "granted" {
			if k.state = why; why == "" {
				continue
			}
		}
		next.known = append(next.known, k)
	}
	return &next
}

// learn returns the state in which the hold of the service has that token, or nil if it has not.
func (st *lockState) learn(service string, token uint64) *lockState {
	switch h := st.own(service); {
	case h.count == 0:
		return nil
	case h.token == token:
		return st
	case h.token != 0 || token <= h.above:
		return nil
	default:
		h.token = token
		next := st.put(h)
		next.known = slices.Clone(next.known)
		for i, k := range next.known {
			if strings.HasPrefix(k.key, service+" ") && k.state == "granted" {
				next.known[i].token = token
			}
		}
		return next
	}
}

// grant returns the state after one more grant, or nil if there can be none. token and count are
// what was answered; 0: not known.
func (st *lockState) grant(op *operation, token uint64, count int) *lockState {
	h := st.own(op.service)
	enters := st.mode == free
	switch op.mode {
	case exclusive:
		enters = enters || st.mode == exclusive && h.count > 0
	case shared:
		enters = enters || st.mode == shared || st.mode == exclusive && h.count > 0
	case permits:
		enters = enters || st.mode == permits && st.permits == op.permits && st.taken() < st.permits
	}
	if !enters || h.count > 0 && op.fresh || count != 0 && count != h.count+1 {
		return nil
	}
	next := st
	if h.count > 0 {
		if token != 0 {
			next = st.learn(op.service, token)
		}
		if next == nil {
			return nil
		}
		h = next.own(op.service)
		h.count++
		return next.put(h)
	}
	if token != 0 && token <= st.largest {
		return nil
	}
	next = st.put(holding{op.service, token, st.largest, 1})
	if st.mode == free {
		next.mode, next.permits = op.mode, op.permits
	}
	return next
}

// giveBack returns the state with n counts less of the service's hold. why is what is remembered if
// it ends.
func (st *lockState) giveBack(service string, n int, why string) *lockState {
	h := st.own(service)
	if h.count -= n; h.count <= 0 {
		return st.end(service, why)
	}
	return st.put(h)
}
