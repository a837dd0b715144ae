package table

import (
	"fmt"
	"strconv"
	"testing"

	"dlm/codec"
)

// crowd returns a rig with one lock that n services hold with SHARED, and the ids of the services.
func crowd(n int) (*rig, [][]byte) {
	g := newRig()
	services := make([][]byte, n)
	for i := range services {
		services[i] = fmt.Append(nil, "reader-", i)
		g.join(services[i])
	}
	return g, services
}

// crowded is the name of the lock of a crowd.
var crowded = []byte("a")

func (g *rig) join(service []byte) {
	g.cmd.Opts = codec.OptShared
	if r := g.do(codec.VerbAcquire, crowded, service, 0); r.Code != codec.OK {
		panic(r.Code)
	}
	g.cmd.Opts = 0
}

// BenchmarkHolders shows that no command of a holder depends on how many others there are.
func BenchmarkHolders(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		name := crowded
		b.Run(fmt.Sprintf("acquire+release/holders=%d", n), func(b *testing.B) {
			g, services := crowd(n)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				g.do(codec.VerbRelease, name, services[i], 0)
				g.join(services[i])
				i = (i + 7919) % n
			}
		})
		b.Run(fmt.Sprintf("heartbeat/holders=%d", n), func(b *testing.B) {
			g, services := crowd(n)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				g.do(codec.VerbHeartbeat, name, services[i], 0)
				i = (i + 7919) % n
			}
		})
		b.Run(fmt.Sprintf("expire/holders=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				g, _ := crowd(n)
				b.StartTimer()
				g.advance(g.now + 30_000*nsPerMs)
				if left := g.table.Totals().Holders; left != 0 {
					b.Fatalf("%d holders are left", left)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/holder")
		})
	}
}

// BenchmarkHoldersWithREQ is the same for an ACQUIRE and a RELEASE that can be repeated. The time
// grows with the memory that is touched, not with the holders.
func BenchmarkHoldersWithREQ(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("holders=%d", n), func(b *testing.B) {
			g := newRig()
			services, tokens := make([][]byte, n), make([]codec.Token, n)
			do := func(i int, verb codec.Verb, opts codec.Opts) {
				g.cmd.Opts, g.cmd.Token = opts|codec.OptReq, tokens[i]
				g.cmd.Req = strconv.AppendInt(g.cmd.Req[:0], g.now, 10)
				r := g.do(verb, crowded, services[i], 0)
				if tokens[i] = r.Token; r.Code != codec.OK {
					panic(r.Code)
				}
				g.now++
			}
			for i := range services {
				services[i] = fmt.Append(nil, "reader-", i)
				do(i, codec.VerbAcquire, codec.OptShared)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				do(i, codec.VerbRelease, codec.OptToken)
				do(i, codec.VerbAcquire, codec.OptShared)
				i = (i + 7919) % n
			}
		})
	}
}
