package codec

import "testing"

func BenchmarkDecode(b *testing.B) {
	for _, c := range []struct{ name, input string }{
		{"text/acquire", "ACQUIRE lock:000000001234 svc-1 0\n"},
		{"text/acquire-lower", "acquire lock:000000001234 svc-1 0\n"},
		{"text/acquire-tagged", "@1234 ACQUIRE lock:000000001234 svc-1 30000\n"},
		{"text/acquire-escaped", "ACQUIRE \"lock\\x3a000000001234\" svc-1 0\n"},
		{"text/release", "RELEASE lock:000000001234 svc-1\n"},
		{"text/heartbeat", "HEARTBEAT lock:000000001234 svc-1 TOKEN 123456 TTL 30000\n"},
		{"text/ping", "PING\n"},
		{"text/unknown", "AQUIRE lock:000000001234 svc-1 0\n"},
		{"RESP/acquire", frame("ACQUIRE", "lock:000000001234", "svc-1", "0")},
		{"RESP/acquire-lower", frame("acquire", "lock:000000001234", "svc-1", "0")},
		{"RESP/release", frame("RELEASE", "lock:000000001234", "svc-1")},
		{"RESP/heartbeat", frame("HEARTBEAT", "lock:000000001234", "svc-1", "TOKEN", "123456", "TTL", "30000")},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			input := []byte(c.input)
			var d Decoder
			var cmd Command
			var batch Batch
			b.SetBytes(int64(len(input)))
			for b.Loop() {
				d.DecodeBatch(input, &batch, BatchMax, &cmd)
			}
		})
	}
}

func BenchmarkWriter(b *testing.B) {
	for _, c := range []struct {
		name  string
		form  Form
		tag   []byte
		write func(*Writer)
	}{
		{"OK/text", FormText, nil, (*Writer).OK},
		{"hold/text", FormText, nil, writeHold},
		{"hold/text-tagged", FormText, []byte("1234"), writeHold},
		{"hold/RESP", FormRESP, nil, writeHold},
		{"error/text", FormText, nil, func(w *Writer) { w.Error(NotHeld, "nobody holds this lock") }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			w := Writer{Buf: make([]byte, 0, 4096)}
			for b.Loop() {
				w.Buf = w.Buf[:0]
				w.Start(c.form, c.tag)
				c.write(&w)
			}
		})
	}
}

// benchToken is like the tokens of servers, which begin with the time in ms, times 1,024.
var benchToken Token = 1_838_080_000_000_000

func writeHold(w *Writer) {
	benchToken++
	w.Hold(benchToken, uint32(benchToken)&1, int64(benchToken&1)*30_000)
}
