package main

import (
	"net"
	"testing"
	"time"

	"dlm/bench"
)

// TestFloorAnswersEveryCommand runs streams against the floor in both forms.
func TestFloorAnswersEveryCommand(t *testing.T) {
	for _, form := range []string{bench.Text, bench.RESP} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error)
		go func() { served <- serve(l, form, 1) }()
		stream := bench.Stream{Form: form, Depths: []int{1, 64}}
		for _, w := range []bench.Workload{
			&bench.Pair{Paced: bench.Paced{Stream: stream}, Locks: 100}, &bench.Renew{Paced: bench.Paced{Stream: stream}, Locks: 100},
		} {
			load := bench.Load{Server: l.Addr().String(), Protocol: bench.FloorProtocol(form), Conns: 4, Rounds: 1,
				Warmup: time.Millisecond, Duration: 20 * time.Millisecond}
			report, err := bench.Run(t.Context(), load, w)
			if err != nil {
				t.Fatalf("%s in %s: %v", w.Name(), form, err)
			}
			if len(report.Cells) != 2 {
				t.Errorf("%s in %s: %d cells", w.Name(), form, len(report.Cells))
			}
		}
		l.Close()
		if err := <-served; err != nil {
			t.Errorf("the floor ended with %v", err)
		}
	}
}
