package codec

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestHoldWritesEveryNumber compares replies with what fmt makes of them, for
// sequences in which parts are the same as before, and parts are not.
func TestHoldWritesEveryNumber(t *testing.T) {
	tokens := []Token{1, 9, 10, lowBase - 1, lowBase, lowBase + 1, 10*lowBase - 1, 10 * lowBase, 1_838_080_000_123_456, TokenMax}
	counts := []uint32{0, 1, 1, 2, 1<<31 - 1}
	leases := []int64{0, 1, 30_000, 30_000, 29_999, 86_400_000, -5}
	rng := rand.New(rand.NewPCG(1, 2))
	var w Writer
	token := Token(1)
	for range 100_000 {
		switch rng.IntN(8) {
		case 0:
			token = tokens[rng.IntN(len(tokens))]
		case 1:
			token = Token(rng.Uint64() >> 11 >> rng.IntN(53))
		default:
			token = min(token+Token(rng.IntN(3)), TokenMax)
		}
		count, lease := counts[rng.IntN(len(counts))], leases[rng.IntN(len(leases))]
		form, resp3 := Form(rng.IntN(2)), rng.IntN(2) == 0
		want := fmt.Sprintf("OK token=%d count=%d lease_ms=%d\n", token, count, lease)
		if form == FormRESP {
			want = fmt.Sprintf("*6\r\n$5\r\ntoken\r\n:%d\r\n$5\r\ncount\r\n:%d\r\n$8\r\nlease_ms\r\n:%d\r\n", token, count, lease)
			if resp3 {
				want = "%3" + want[2:]
			}
		}
		w.Buf, w.RESP3 = w.Buf[:0], resp3
		w.Start(form, nil)
		w.Hold(token, count, lease)
		if string(w.Buf) != want {
			t.Fatalf("got %q, want %q", w.Buf, want)
		}
		w.Start(FormRESP-form, []byte("before"))
		w.Buf = w.Buf[:0]
		held := []GrantReply{{token, count, lease}, {1, count, lease}, {token, count, lease}}
		b := Batch{Cmds: [BatchMax]LockCommand{{Form: form}, {Form: form}, {Form: form}}}
		w.Holds(&b, 0, 1+2*rng.IntN(2), nil, held)
		if got := string(w.Buf); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, want) || strings.Count(got, "lease_ms") != 1 && strings.Count(got, "lease_ms") != 3 {
			t.Fatalf("got %q, want %q, once or at both ends", got, want)
		}
	}
}

// TestLowDigits covers each value of both halves, which are divided apart.
func TestLowDigits(t *testing.T) {
	for i := range uint32(10_000) {
		v := i*10_000 + (9_999-i)*7%10_000
		digits := binary.LittleEndian.AppendUint64(nil, lowDigits(v))
		if got, want := string(digits), fmt.Sprintf("%08d", v); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
}
