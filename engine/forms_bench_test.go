package engine

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkForms feeds reads of 256 commands, pairs of each form on 128 locks. A result is what one
// command costs without the kernel.
func BenchmarkForms(b *testing.B) {
	const pairs = 128
	array := func(words ...string) string {
		s := fmt.Sprintf("*%d\r\n", len(words))
		for _, w := range words {
			s += fmt.Sprintf("$%d\r\n%s\r\n", len(w), w)
		}
		return s
	}
	for _, form := range []struct {
		name string
		pair func(name string, i int) string
	}{
		{"bare", func(n string, _ int) string { return "ACQUIRE " + n + " svc-1 0\nRELEASE " + n + " svc-1\n" }},
		{"TTL", func(n string, _ int) string { return "ACQUIRE " + n + " svc-1 0 TTL 30000\nRELEASE " + n + " svc-1\n" }},
		{"tag", func(n string, i int) string {
			return fmt.Sprintf("@%d ACQUIRE %s svc-1 0\n@%d RELEASE %s svc-1\n", 2*i+1000, n, 2*i+1001, n)
		}},
		{"tag and TTL", func(n string, i int) string {
			return fmt.Sprintf("@%d ACQUIRE %s svc-1 0 TTL 30000\n@%d RELEASE %s svc-1\n", 2*i+1000, n, 2*i+1001, n)
		}},
		{"heartbeat", func(n string, _ int) string {
			return "HEARTBEAT held-" + n + " svc-1\nHEARTBEAT held-" + n + " svc-1\n"
		}},
		{"40-byte name", func(n string, _ int) string {
			n += "-and-20-bytes-more"
			return "ACQUIRE " + n + " svc-1 0\nRELEASE " + n + " svc-1\n"
		}},
		{"40-byte name, tag and TTL", func(n string, i int) string {
			n += "-and-20-bytes-more"
			return fmt.Sprintf("@%d ACQUIRE %s svc-1 0 TTL 30000\n@%d RELEASE %s svc-1\n", 2*i+1000, n, 2*i+1001, n)
		}},
		{"RESP", func(n string, _ int) string {
			return array("ACQUIRE", n, "svc-1", "0") + array("RELEASE", n, "svc-1")
		}},
		{"re-entry", func(n string, _ int) string { return "ACQUIRE held-" + n + " svc-1 0\nRELEASE held-" + n + " svc-1\n" }},
		{"refused", func(n string, _ int) string { return "ACQUIRE held-" + n + " svc-2 0\nRELEASE held-" + n + " svc-2\n" }},
	} {
		b.Run(form.name, func(b *testing.B) {
			s := newSim(b, nil)
			r := s.e.reactors[0]
			c := r.open(&sink{})
			var in strings.Builder
			for i := range pairs {
				name := fmt.Sprintf("bench:%014d", i)
				r.feed(c, []byte("ACQUIRE held-"+name+" svc-1 0 TTL 86400000\n"))
				in.WriteString(form.pair(name, i))
			}
			read := append([]byte(in.String()), make([]byte, 200)...)[:in.Len()]
			for b.Loop() {
				r.round.spent = 0
				r.feed(c, read)
				s.due, s.asks = s.due[:0], s.asks[:0]
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2/pairs, "ns/command")
		})
	}
}
