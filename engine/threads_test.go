package engine

import (
	"runtime"
	"testing"
	"time"
)

// TestThreadsAreLentAndTakenBack: beside for as long as the work takes, a extraProc
// while uses follow one another closely.
func TestThreadsAreLentAndTakenBack(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	want := func(more int, when string) {
		t.Helper()
		if got := runtime.GOMAXPROCS(0) - before; got != more {
			t.Fatalf("%d threads are lent %s, want %d", got, when, more)
		}
	}
	var l extraProc
	defer l.end()
	now := int64(time.Hour)
	l.use(now)
	want(0, "after one use")
	now += int64(extraProcGap) - 1
	l.use(now)
	l.use(now)
	want(1, "after three in a row")
	withExtraProc(func() { want(2, "beside work") })
	want(1, "after the work")
	l.reclaim(now + int64(extraProcTime))
	want(1, "at the end of the time")
	l.reclaim(now + int64(extraProcTime) + 1)
	want(0, "after the time")
	now += int64(time.Second)
	l.use(now)
	l.use(now)
	want(1, "at the next uses")
	l.end()
	l.end()
	want(0, "at the end")
}
