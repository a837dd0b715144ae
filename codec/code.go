package codec

// Code is the outcome of a command. The words are part of the public protocol and the numbers may
// become durable: add new codes at the end and never reuse a number.
type Code uint8

const (
	OK          Code = 0
	Timeout     Code = 1  // not granted within the wait timeout
	NotHeld     Code = 2  // nobody holds the lock
	NotOwner    Code = 3  // another service holds the lock
	Stale       Code = 4  // the given token is not the current one
	BadArg      Code = 5  // wrong number or form of arguments
	Unknown     Code = 6  // no such command
	TooBig      Code = 7  // line, name, id or option beyond its limit
	Limit       Code = 8  // a capacity limit is reached, nothing was changed
	NoAuth      Code = 9  // not authenticated
	Denied      Code = 10 // the role does not allow this
	Conflict    Code = 11 // mode differs from that of the present holders
	Recovering  Code = 12 // grace period after a restart
	ReadOnly    Code = 13 // this server is a backup
	NotLeader   Code = 14 // another node leads
	Canceled    Code = 15 // the wait was cancelled
	Shutdown    Code = 16 // the server is stopping
	Internal    Code = 17 // a bug of the server, logged with its cause
	AlreadyHeld Code = 18 // FRESH, and the service holds the lock
	Deadlock    Code = 19 // DETECT, and the wait is in a cycle

	CodeCount Code = 20 // number of codes, not a code
)

// codeWords are the words on the wire, by code.
var codeWords = [CodeCount]string{
	"OK", "TIMEOUT", "NOTHELD", "NOTOWNER", "STALE", "BADARG", "UNKNOWN", "TOOBIG", "LIMIT",
	"NOAUTH", "DENIED", "CONFLICT", "RECOVERING", "READONLY", "NOTLEADER", "CANCELED", "SHUTDOWN", "INTERNAL",
	"HELD", "DEADLOCK",
}

// String returns the word of the code on the wire.
func (c Code) String() string {
	if c >= CodeCount {
		panic("BUG: code out of range")
	}
	return codeWords[c]
}
