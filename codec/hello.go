package codec

// Hello is what a HELLO asks for.
type Hello struct {
	Proto   int    // 2 or 3; 0: not given. RESP only
	Token   []byte // of AUTH; nil: not given. RESP only
	Name    []byte // of NAME or SETNAME; nil: not given, the connection keeps its name
	AliveMs uint32 // of ALIVE; 0: not given
}

// Limits of HELLO.
const (
	// ConnNameMax is the longest name of a connection in bytes. It is kept as long as the
	// connection.
	ConnNameMax = 64
	// A client that promises to send something more often than every AliveMinMs would have its
	// connection closed by a short pause of its own. Twice AliveMaxMs is more than TCP takes to
	// give up a peer.
	AliveMinMs = 1_000
	AliveMaxMs = 600_000
)

// The errors of Hello.Parse that Redis' clients know by other words than the code's.
const (
	HelloNoProto  = "unsupported protocol version"
	HelloNoNumber = "Protocol version is not an integer or out of range"
)

// ConnNameTooLong refuses a name beyond ConnNameMax.
const ConnNameTooLong = "a connection's name is longer than 64 bytes"

const helloRESP = "HELLO takes [2|3] [AUTH <user> <token>] [SETNAME <name>] [NAME <text>] [ALIVE <ms>]"

// Parse reads the words after HELLO. It returns OK, or the code and words of an error. The slices
// of h alias the words.
func (h *Hello) Parse(form Form, args [][]byte) (code Code, problem string) {
	*h = Hello{}
	if form == FormRESP && len(args) > 0 && helloOption(args[0]) == "" {
		if code, problem = h.parseProto(args[0]); code != OK {
			return code, problem
		}
		args = args[1:]
	}
	for len(args) > 0 {
		words := 2
		switch opt := helloOption(args[0]); {
		case opt == "AUTH" && form == FormRESP && len(args) >= 3:
			h.Token, words = args[2], 3
		case len(args) >= 2 && (opt == "NAME" || opt == "SETNAME" && form == FormRESP):
			if h.Name = args[1]; len(h.Name) > ConnNameMax {
				return TooBig, ConnNameTooLong
			}
		case len(args) >= 2 && opt == "ALIVE":
			n, ok := number(args[1], AliveMinMs, AliveMaxMs)
			if !ok {
				return BadArg, "ALIVE must be a number from 1000 to 600000, in milliseconds"
			}
			h.AliveMs = uint32(n)
		case form == FormText:
			return BadArg, usageOf(VerbHello)
		default:
			return BadArg, helloRESP
		}
		args = args[words:]
	}
	return OK, ""
}

// helloOption returns the word of the option in upper case, or "" if HELLO does not have it.
func helloOption(word []byte) string {
	for _, option := range [...]string{"AUTH", "SETNAME", "NAME", "ALIVE"} {
		if equalFold(word, option) {
			return option
		}
	}
	return ""
}

// parseProto reads the version of RESP.
func (h *Hello) parseProto(word []byte) (code Code, problem string) {
	switch string(word) {
	case "2", "3":
		h.Proto = int(word[0] - '0')
		return OK, ""
	}
	for _, c := range word {
		if c < '0' || c > '9' {
			return BadArg, HelloNoNumber
		}
	}
	return BadArg, HelloNoProto
}
