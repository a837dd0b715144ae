package engine

import (
	"reflect"
	"testing"

	"dlm/codec"
)

// TestQuestionsCopyNoLeftovers: a decoded command has slices of earlier ones, whose memory another
// loop may be writing.
func TestQuestionsCopyNoLeftovers(t *testing.T) {
	for line, want := range map[string]codec.Command{
		"TOP HEAT":                 {Verb: codec.VerbTop, By: codec.ByHeat},
		"WAITERS lock CURSOR c":    {Verb: codec.VerbWaiters, Opts: codec.OptCursor, Name: []byte("lock"), Text: []byte("c")},
		"OWNER service":            {Verb: codec.VerbOwner, Service: []byte("service")},
		"EVENTS SINCE 3":           {Verb: codec.VerbEvents, Opts: codec.OptSince, Number: 3},
		"DISCONNECT 1 REASON \"\"": {Verb: codec.VerbDisconnect, Opts: codec.OptReason, Number: 1, Text: []byte{}},
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
