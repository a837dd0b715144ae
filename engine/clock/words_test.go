package clock

import (
	"testing"
	"time"
)

func TestInWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second:             "0 ms",
		0:                        "0 ms",
		38 * time.Millisecond:    "38 ms",
		time.Second:              "1.0 s",
		9949 * time.Millisecond:  "9.9 s",
		9950 * time.Millisecond:  "9 s",
		59999 * time.Millisecond: "59 s",
		time.Minute:              "1 m 00 s",
		82 * time.Second:         "1 m 22 s",
		3*time.Hour + 12*time.Minute + time.Second: "3 h 12 m",
		52 * time.Hour: "2 d 4 h",
	} {
		if got := InWords(d); got != want {
			t.Errorf("%v is written as %q, want %q", d, got, want)
		}
	}
}
