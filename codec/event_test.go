package codec

import "testing"

func TestEvents(t *testing.T) {
	for _, c := range []struct {
		e          Event
		text, resp string
	}{
		{
			Event{Kind: "granted", Lock: []byte("a\n"), Service: []byte("s"), Token: 43, Count: 1, AtMs: 81231},
			"EVENT granted lock=\"a\\n\" service=\"s\" token=43 count=1 at_ms=81231\n",
			">12\r\n$5\r\nEVENT\r\n$7\r\ngranted\r\n$4\r\nlock\r\n$2\r\na\n\r\n$7\r\nservice\r\n$1\r\ns\r\n$5\r\ntoken\r\n:43\r\n$5\r\ncount\r\n:1\r\n$5\r\nat_ms\r\n:81231\r\n",
		},
		{
			Event{Kind: "lost", Lock: []byte("a"), Service: []byte("s"), Token: 43, Count: -1, AtMs: -1, Why: "forced", Reason: []byte{}},
			"EVENT lost lock=\"a\" service=\"s\" token=43 why=forced reason=\"\"\n",
			">12\r\n$5\r\nEVENT\r\n$4\r\nlost\r\n$4\r\nlock\r\n$1\r\na\r\n$7\r\nservice\r\n$1\r\ns\r\n$5\r\ntoken\r\n:43\r\n$3\r\nwhy\r\n$6\r\nforced\r\n$6\r\nreason\r\n$0\r\n\r\n",
		},
		{
			Event{Kind: "missed", Count: 212, AtMs: -1},
			"EVENT missed count=212\n",
			">4\r\n$5\r\nEVENT\r\n$6\r\nmissed\r\n$5\r\ncount\r\n:212\r\n",
		},
	} {
		for form, want := range []string{c.text, c.resp} {
			got := AppendEvent(nil, Form(form), &c.e)
			if string(got) != want {
				t.Errorf("%q, want %q", got, want)
			}
			var r Reply
			if n, st := ParseReply(got, Form(form), &r); n != len(got) || st != Ready || r.Kind != ReplyEvent {
				t.Errorf("%q is read as %d bytes, %v, kind %d", got, n, st, r.Kind)
			}
		}
	}
}
