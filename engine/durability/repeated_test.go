package durability

import (
	"errors"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"
)

func TestRepeatedFailures(t *testing.T) {
	var r repeated
	now := time.Now()
	gone := errors.New("gone")
	file := 0
	full := func() error { // another file each time
		file++
		return &os.PathError{Op: "open", Path: strconv.Itoa(file), Err: syscall.ENOSPC}
	}
	for i, c := range []struct {
		err   error // nil: it succeeds
		after time.Duration
		told  bool
	}{
		{nil, 0, false},
		{full(), 0, true},
		{full(), time.Second, false},
		{full(), repeatEvery - 2*time.Second, false},
		{full(), time.Second, true},
		{full(), time.Second, false},
		{gone, 0, true},
		{full(), 0, true},
		{nil, time.Second, true}, // it is well again
		{nil, time.Second, false},
		{full(), 0, true},
	} {
		now = now.Add(c.after)
		told := false
		if c.err == nil {
			told = r.succeeded()
		} else {
			told = r.failed(c.err, now)
		}
		if told != c.told {
			t.Errorf("step %d: told %v", i, told)
		}
	}
}
