package bench

import "testing"

func TestSummaryOfKnownLatencies(t *testing.T) {
	l := NewLatencies()
	l.Record(1000, 990)
	l.Record(50_000, 9)
	l.Record(2_000_000, 1)
	l.Record(-5, 0) // a clock that stands still is no reason to fail
	s := l.Summary()
	near := func(got, want int64) bool { return got >= want-want/100 && got <= want+want/100 }
	if s.Count != 1000 || !near(s.P50, 1000) || !near(s.P99, 1000) || !near(s.P999, 50_000) || !near(s.Max, 2_000_000) {
		t.Errorf("got %+v", s)
	}
}

func TestSummariesOfLoopsAreMerged(t *testing.T) {
	a, b := NewLatencies(), NewLatencies()
	a.Record(1000, 90)
	b.Record(9000, 10)
	a.Merge(b)
	if s := a.Summary(); s.Count != 100 || s.P50 > 1010 || s.P99 < 8900 {
		t.Errorf("got %+v", s)
	}
}

func TestLatenciesBeyondHistogram(t *testing.T) {
	l := NewLatencies()
	l.Record(10*latencyMaxNs, 1)
	if s := l.Summary(); s.Count != 1 || s.Max < latencyMaxNs*99/100 {
		t.Errorf("got %+v", s)
	}
}

func TestFlightKeepsOrderOfDueTimes(t *testing.T) {
	var f flight
	next, oldest := int64(0), int64(0)
	for round := range 100 {
		for range round % 7 {
			f.push(next)
			next++
		}
		for f.len() > round%3 {
			if f.oldest() != oldest {
				t.Fatalf("oldest is %d, want %d", f.oldest(), oldest)
			}
			f.pop()
			oldest++
		}
	}
}

func TestPaceDoesNotDrift(t *testing.T) {
	p := newPace(500, 3_000_000, 1) // a gap of a third of a microsecond
	if got := p.due(3_000_000); got != 500+1e9 {
		t.Errorf("a second's worth is due at %d", got)
	}
	if p = newPace(0, 1000, 16); p.due(1000) != 16e9 {
		t.Errorf("batches of 16 at 1000/s: the thousandth is due at %d", p.due(1000))
	}
}

func TestFlightForgetsNewest(t *testing.T) {
	var f flight
	for due := range int64(10) {
		f.push(due)
	}
	f.pop()
	f.dropLast(7)
	if f.len() != 2 || f.oldest() != 1 {
		t.Errorf("%d under way, the oldest is due at %d", f.len(), f.oldest())
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{7}, 7}, {[]float64{3, 1, 2}, 2}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := Median(c.values); got != c.want {
			t.Errorf("median of %v: got %v, want %v", c.values, got, c.want)
		}
	}
}
