package engine

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"dlm/codec"
)

// TestQuestionsCopyNoLeftovers: a decoded command has slices of earlier ones, whose memory another
// loop may be writing.
func TestQuestionsCopyNoLeftovers(t *testing.T) {
	for line, want := range map[string]codec.Command{
		"TOP HEAT":              {Verb: codec.VerbTop, By: codec.ByHeat},
		"WAITERS lock CURSOR c": {Verb: codec.VerbWaiters, Opts: codec.OptCursor, Name: []byte("lock"), Text: []byte("c")},
		"OWNER service":         {Verb: codec.VerbOwner, Service: []byte("service")},
		"EVENTS SINCE 3":        {Verb: codec.VerbEvents, Opts: codec.OptSince, Number: 3},
		"DISCONNECT 1 REASON x": {Verb: codec.VerbDisconnect, Opts: codec.OptReason, Number: 1, Text: []byte("x")},
	} {
		cmd := codec.Command{Name: []byte("old"), Service: []byte("old"), Text: []byte("old"), Req: []byte("old"), Args: [][]byte{[]byte("old")}}
		var d codec.Decoder
		if _, st := d.Decode([]byte(line+"\n"), &cmd); st != codec.Ready {
			t.Fatal(line, st)
		}
		got := copyOfLook(&cmd)
		got.Limit = want.Limit
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v", line, got)
		}
	}
}

// TestAnswersHaveABound asks for a thousand rows with the longest strings. The answer ends early,
// and says where the rest begins.
func TestAnswersHaveABound(t *testing.T) {
	s := newSim(t, nil)
	const rows, most = 1000, 5 * listBytes // each byte becomes four in the escapes
	long := func(n, size int) string { return fmt.Sprintf("\"%d%s\"", n, strings.Repeat(`\xff`, size-4)) }
	k := s.dial(0)
	for i := range rows {
		k.send(fmt.Sprintf("ACQUIRE %s %s 0 TTL 100\n", long(i, codec.NameMax), long(i, codec.ServiceMax)))
	}
	k.send("ACQUIRE x x 0\n")
	for i := range rows {
		k.send(fmt.Sprintf("@w%d ACQUIRE x %s 60000 META %s\n", i, long(i, codec.ServiceMax), long(i, codec.MetaMax)))
		k.send(fmt.Sprintf("ACQUIRE s %s 0 SHARED META %s\n", long(i, codec.ServiceMax), long(i, codec.MetaMax)))
	}
	s.advance(time.Second)
	k.reads()
	for _, ask := range []string{"EVENTS LIMIT 1000", "WAITERS x LIMIT 1000", "HOLDERS s"} {
		k.send(ask + "\n")
		got := k.reads()
		first, _, _ := strings.Cut(got, "\n")
		var n int
		_, _ = fmt.Sscanf(first, "OK lines=%d", &n)
		goesOn := strings.Contains(first, fmt.Sprintf("more=%d", rows-n)) || strings.Contains(first, `cursor="`) && !strings.Contains(first, `cursor=""`) ||
			strings.Contains(first, fmt.Sprintf("next=%d ", n))
		if len(got) > most || n == 0 || n >= rows || !goesOn {
			t.Errorf("%s: %d bytes, %d rows, %.100s", ask, len(got), n, got)
		}
	}
}
