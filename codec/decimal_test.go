package codec

import (
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

func TestDecimalsAreAsOfStrconv(t *testing.T) {
	check := func(v uint64) {
		want := "x" + strconv.FormatUint(v, 10)
		if got := string(appendDecimal([]byte("x"), v)); got != want || decimalLen(v) != len(want)-1 {
			t.Fatalf("%s is written %s, %d digits", want, got, decimalLen(v))
		}
		if got, want := string(appendInt(nil, int64(v))), strconv.FormatInt(int64(v), 10); got != want {
			t.Fatalf("%s is written %s", want, got)
		}
	}
	for v := range uint64(100_000) {
		check(v)
	}
	for _, power := range powersOf10 {
		check(power - 1)
		check(power)
		check(power + 1)
	}
	for shift := range 64 {
		check(1<<shift - 1)
		check(1 << shift)
	}
	check(1<<64 - 1)
	rapid.Check(t, func(t *rapid.T) { check(rapid.Uint64().Draw(t, "v")) })
}
