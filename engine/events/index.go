package events

import "sync"

// index finds the subscribers whose prefix a string begins with. Any goroutine may call its
// methods.
type index struct {
	mu      sync.RWMutex
	subs    map[string][]*Subscriber // by prefix; guarded by mu
	lengths map[int]int              // prefixes by length; guarded by mu
	n       int                      // pairs of a prefix and a subscriber; guarded by mu
}

func (x *index) init() {
	x.subs, x.lengths = make(map[string][]*Subscriber), make(map[int]int)
}

// add enters the prefixes of a subscriber.
func (x *index) add(s *Subscriber, prefixes []string) {
	for _, p := range prefixes {
		if x.subs[p] == nil {
			x.lengths[len(p)]++
		}
		x.subs[p] = append(x.subs[p], s)
		x.n++
	}
}

// remove removes what add has entered.
func (x *index) remove(s *Subscriber, prefixes []string) {
	for _, p := range prefixes {
		list := x.subs[p]
		for i := range list {
			if list[i] == s {
				list[i] = list[len(list)-1]
				list[len(list)-1] = nil
				x.subs[p] = list[:len(list)-1]
				x.n--
				break
			}
		}
		if len(x.subs[p]) == 0 {
			delete(x.subs, p)
			if x.lengths[len(p)]--; x.lengths[len(p)] == 0 {
				delete(x.lengths, len(p))
			}
		}
	}
}

// each calls yield for the subscribers of a string, each once, because no prefix of a subscriber
// begins with another of its prefixes. See cover.
func (x *index) each(of []byte, yield func(*Subscriber)) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for n := range x.lengths {
		if n <= len(of) {
			for _, s := range x.subs[string(of[:n])] {
				yield(s)
			}
		}
	}
}

// cover returns the prefixes without those that begin with another one.
func cover(prefixes []string) (least []string) {
	for i, p := range prefixes {
		covered := false
		for k, q := range prefixes {
			covered = covered || k != i && len(q) <= len(p) && p[:len(q)] == q && (p != q || k < i)
		}
		if !covered {
			least = append(least, p)
		}
	}
	return least
}
