package codec

import "bytes"

// Peers of other protocols connect by mistake: browsers, health checks, proxies. The answer to
// their first line says what to do, and is Fatal, because the following lines could be commands by
// accident. Only text is checked, since no other protocol begins with the first byte of an array.

const (
	httpProblem  = "this port does not speak HTTP: /livez, /readyz and images are at the address of --http"
	tlsProblem   = "this port does not speak TLS: connect without it, or to the address of --tls-listen"
	proxyProblem = "this server takes no PROXY header from this address: switch it off in the load balancer " +
		"(HAProxy: send-proxy, send-proxy-v2 and their check-send-proxy), or name the address in --proxy-from"
)

// tlsHandshake is the first byte of a TLS connection.
const tlsHandshake = 0x16

// httpWords begin a request or, with a colon, a header of HTTP. They are refused so that a web page
// can't make a browser send commands.
var httpWords = [...]string{
	"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE", "PRI", "HOST:",
}

// foreign returns the error for a line of another protocol that begins with these words, or "" for
// any other line. The line has no tag.
//
// A header of PROXY v2 begins "\r\n\r\n\x00\r\nQUIT\n". Its first two lines are blank and get no
// answer. The third is one NUL, which begins no command, so the decoder need not remember the lines
// before it.
func foreign(words [][]byte) string {
	first := words[0]
	switch {
	case string(first) == "PROXY" || string(first) == "\x00":
		return proxyProblem
	case len(words) == 3 && isVersionOfHTTP(words[2]):
		return httpProblem
	}
	for _, w := range httpWords {
		if equalFold(first, w) {
			return httpProblem
		}
	}
	return ""
}

// isVersionOfHTTP reports whether a word ends the first line of an HTTP request.
func isVersionOfHTTP(word []byte) bool { return bytes.HasPrefix(word, []byte("HTTP/")) }

// isServiceHTTP reports whether the service of a line of three words is HTTP/1.0 or HTTP/1.1, as in
// "RELEASE /path HTTP/1.1", which a web page can make a browser send. The line has no tag.
func isServiceHTTP(service []byte) bool {
	return len(service) == serviceHTTP && string(service[:serviceHTTP-1]) == "HTTP/1."
}

const serviceHTTP = 8 // bytes of HTTP/1.1

// checkForeign is called for a line of text that is not a command. It makes the problem Fatal if
// the line belongs to another protocol.
func (d *Decoder) checkForeign(cmd *Command, words [][]byte, st Status) Status {
	if st == Bad && cmd.Form == FormText && len(cmd.Tag) == 0 {
		if problem := foreign(words); problem != "" {
			return d.fatal(BadArg, problem)
		}
	}
	return st
}

// foreignLine is foreign for a line that can't be divided into words. It divides the line at blanks
// only.
func foreignLine(line []byte) string {
	var words [4][]byte // one more than foreign reads
	n := 0
	for n < len(words) {
		line = bytes.TrimLeft(line, " \t")
		if len(line) == 0 {
			break
		}
		words[n] = firstWord(line)
		line = line[len(words[n]):]
		n++
	}
	if n == 0 {
		return ""
	}
	return foreign(words[:n])
}
