package codec

import (
	"strings"
	"testing"
)

const (
	httpFatal  = "fatal BADARG " + httpProblem
	tlsFatal   = "fatal BADARG " + tlsProblem
	proxyFatal = "fatal BADARG " + proxyProblem
)

// proxySignature begins each header of PROXY v2.
const proxySignature = "\r\n\r\n\x00\r\nQUIT\n"

func TestLinesOfOtherProtocolsAreFatal(t *testing.T) {
	for _, c := range []struct {
		want  string
		lines []string
	}{
		{httpFatal, []string{
			"GET / HTTP/1.1", "get /", "POST / HTTP/1.1", "HEAD", "PUT x", "DELETE x", "OPTIONS *", "PATCH x", "CONNECT x", "TRACE x",
			"PRI * HTTP/2.0", "Host: localhost", "\t host: x", `"GET" x`, `POST /"x HTTP/1.1`, `POST "`, "Host: " + strings.Repeat("a ", 40),
			"RELEASE / HTTP/1.1", "HEARTBEAT /a HTTP/1.0", "release /a HTTP/1.1", "DOWNGRADE / HTTP/1.1",
			"PROPFIND / HTTP/1.1", "PING / HTTP/1.0", "INFO /x HTTP/1.1", "LOCKS / HTTP/2", `M-SEARCH /"x HTTP/1.1`,
		}},
		{proxyFatal, []string{
			"PROXY TCP4 192.0.2.7 192.0.2.1 51234 7420", "PROXY TCP6 2001:db8::7 2001:db8::1 51234 7420", "PROXY UNKNOWN", "PROXY",
			"PROXY UNKNOWN " + strings.Repeat("f ", 40), "\x00",
		}},
	} {
		for _, line := range c.lines {
			wantDecoded(t, line+"\n", false, c.want)
			wantDecoded(t, line+"\r\n", true, c.want)
		}
	}
	wantDecoded(t, "\x16\x03\x01", false, tlsFatal)
	wantDecoded(t, "\x16", true, tlsFatal)
}

// TestCommandsThatLookLikeOtherProtocols has lines and arrays that can be commands.
func TestCommandsThatLookLikeOtherProtocols(t *testing.T) {
	wantDecoded(t, "@t GET /\n", false, "bad UNKNOWN unknown command 'GET' @t")
	wantDecoded(t, "@t PROXY TCP4\n", false, "bad UNKNOWN unknown command 'PROXY' @t")
	wantDecoded(t, "STATUS GET\n", false, `STATUS "GET"`)
	wantDecoded(t, "STATUS PROXY\n", false, `STATUS "PROXY"`)
	wantDecoded(t, "RELEASE /a HTTP/1.1 ALL\n", false, `RELEASE "/a" "HTTP/1.1" all`)
	wantDecoded(t, "@t RELEASE /a HTTP/1.1\n", false, `RELEASE @t "/a" "HTTP/1.1"`)
	wantDecoded(t, frame("RELEASE", "/a", "HTTP/1.1"), false, `RELEASE "/a" "HTTP/1.1"`)
	wantDecoded(t, "RELEASE /a HTTP/1.x1\n", false, `RELEASE "/a" "HTTP/1.x1"`)
	wantDecoded(t, "ACQUIRE a HTTP/1.1 0\n", false, `ACQUIRE "a" "HTTP/1.1" 0`)
	wantDecoded(t, "STATUS \x00\n", false, `STATUS "\x00"`)
}

// TestHeadersOfProxiesInAnyPieces cuts the input at each byte. Nothing after the header is decoded.
func TestHeadersOfProxiesInAnyPieces(t *testing.T) {
	for _, c := range []struct{ header, want string }{
		{"PROXY TCP4 192.0.2.7 192.0.2.1 51234 7420\r\n", proxyFatal},
		{proxySignature + "\x21\x11\x00\x0c\xc0\x00\x02\x07\xc0\x00\x02\x01\xc8\x22\x1c\xfc", "blank|blank|" + proxyFatal},
		{proxySignature + "\x20\x00\x00\x00", "blank|blank|" + proxyFatal},
		{"POST / HTTP/1.1\r\nHost: x\r\n\r\n", httpFatal},
		{"\x16\x03\x01\x00\xc8\x01\x00", tlsFatal},
	} {
		for _, before := range []string{"", frame("PING"), "PING\n"} {
			input := []byte(before + c.header + "ACQUIRE x me 0\n" + frame("ACQUIRE", "x", "me", "0"))
			want := c.want
			if before != "" {
				want = "PING|" + want
			}
			for size := range byte(30) {
				cuts := []byte{size, 1}
				if got := strings.Join(decodeAll(t, input, cuts, false), "|"); got != want {
					t.Fatalf("%q in pieces %v:\ngot  %s\nwant %s", input, cuts, got, want)
				}
			}
		}
	}
}
