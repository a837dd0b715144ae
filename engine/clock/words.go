package clock

import (
	"fmt"
	"time"
)

const day = 24 * time.Hour

// InWords writes a duration for people, in one or two units: 38 ms, 4.1 s, 1 m 22 s, 3 h 12 m,
// 2 d 4 h. The dashboard writes durations in the same form, and a test compares them. Less than
// zero is written as 0 ms. Machines and settings have other forms.
func InWords(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
	case d < 9950*time.Millisecond:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d m %02d s", d/time.Minute, d%time.Minute/time.Second)
	case d < day:
		return fmt.Sprintf("%d h %02d m", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d d %d h", d/day, d%day/time.Hour)
}
