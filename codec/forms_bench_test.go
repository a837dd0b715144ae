package codec

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkDecodeBatch decodes 16 commands, as pairs, of each form; a result is for one command.
func BenchmarkDecodeBatch(b *testing.B) {
	for _, c := range []struct{ name, acquire, release string }{
		{"bare", "ACQUIRE %s svc-1 0\n", "RELEASE %s svc-1\n"},
		{"TTL", "ACQUIRE %s svc-1 0 TTL 30000\n", "RELEASE %s svc-1\n"},
		{"tag", "@%[2]d ACQUIRE %[1]s svc-1 0\n", "@%[2]d RELEASE %[1]s svc-1\n"},
		{"tag,TTL", "@%[2]d ACQUIRE %[1]s svc-1 0 TTL 30000\n", "@%[2]d RELEASE %[1]s svc-1\n"},
		{"TOKEN", "HEARTBEAT %s svc-1 TOKEN 1838080000000123\n", "HEARTBEAT %s svc-1 TOKEN 1838080000000123\n"},
		{"long", "ACQUIRE %s-and-20-bytes-more- svc-1 0\n", "RELEASE %s-and-20-bytes-more- svc-1\n"},
		{"RESP", "*4\r\n$7\r\nACQUIRE\r\n$20\r\n%s\r\n$5\r\nsvc-1\r\n$1\r\n0\r\n", "*3\r\n$7\r\nRELEASE\r\n$20\r\n%s\r\n$5\r\nsvc-1\r\n"},
	} {
		b.Run(c.name, func(b *testing.B) {
			var s strings.Builder
			add := func(format string, i int) {
				line := fmt.Sprintf(format, fmt.Sprintf("bench:%014d", i), 1000+i)
				if at := strings.Index(line, "%!(EXTRA"); at >= 0 {
					line = line[:at]
				}
				s.WriteString(line)
			}
			for i := range BatchMax / 2 {
				add(c.acquire, 2*i)
				add(c.release, 2*i+1)
			}
			in := append([]byte(s.String()), make([]byte, 200)...)[:s.Len()]
			var d Decoder
			var batch Batch
			var cmd Command
			if n, _, _ := d.DecodeBatch(in, &batch, BatchMax, &cmd); n != BatchMax {
				b.Fatalf("%d commands of %q", n, in)
			}
			for b.Loop() {
				d.DecodeBatch(in, &batch, BatchMax, &cmd)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/BatchMax, "ns/command")
		})
	}
}
