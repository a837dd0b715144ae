package codec

// Fate says what an error means for a hold or a request.
type Fate uint8

const (
	FateLost  Fate = iota // the hold is gone: stop using what it guarded
	FateAgain             // nothing was changed: try again, later or elsewhere
	// trying again does not help: the request, the rights or the program must change
	FateNever
)

// String returns the word of HELP ERRORS.
func (f Fate) String() string { return fateWords[f] }

var fateWords = [...]string{"lost", "try again", "never"}

// Meaning says what clients should do about an error.
type Meaning struct {
	Fate  Fate
	Text  string // one sentence without a full stop
	Later bool   // this version never answers it
}

// Meanings has the meaning of each code. HELP ERRORS shows it, and a test compares it with
// PROTOCOL.md. Do not modify.
var Meanings = [CodeCount]Meaning{
	Timeout:     {Fate: FateAgain, Text: "not granted within timeout_ms; then come the holder, and how long it has held the lock in ms"},
	NotHeld:     {Fate: FateLost, Text: "nobody holds the lock; as the answer to RELEASE: it was released already, or its lease ended"},
	NotOwner:    {Fate: FateLost, Text: "another service holds the lock"},
	Stale:       {Fate: FateLost, Text: "TOKEN belongs to an earlier hold, or the hold of this REQ is over"},
	BadArg:      {Fate: FateNever, Text: "wrong number or form of arguments"},
	Unknown:     {Fate: FateNever, Text: "no such command"},
	TooBig:      {Fate: FateNever, Text: "a line, name, id or option is longer than its limit"},
	Limit:       {Fate: FateAgain, Text: "a limit is reached, and its name follows; nothing was changed"},
	NoAuth:      {Fate: FateNever, Text: "this connection has not authenticated yet; holds stay until their leases end"},
	Denied:      {Fate: FateNever, Text: "the token is not known, or its role may not do this, or not with this lock name or service"},
	Conflict:    {Fate: FateNever, Text: "mode or PERMITS differ from those of the present holders, or another holder waits to upgrade"},
	Recovering:  {Fate: FateAgain, Text: "the grace after a restart, and the ms that are left; prove holds by HEARTBEAT with TOKEN and COUNT"},
	ReadOnly:    {Fate: FateAgain, Text: "this is a backup, and the address of its primary, if it is known; no hold is lost"},
	NotLeader:   {Fate: FateAgain, Text: "another node leads: ask it; no hold is lost", Later: true},
	Canceled:    {Fate: FateAgain, Text: "the wait was cancelled, has ended with the input or the silence (HELLO ALIVE) of the connection, or a repeat of the request has its place"},
	Shutdown:    {Fate: FateAgain, Text: "the server is stopping; holds go on if it has a data directory"},
	Internal:    {Fate: FateAgain, Text: "a bug of the server, which has logged it; STATUS shows whether the command was executed"},
	AlreadyHeld: {Fate: FateNever, Text: "FRESH was given and the service holds the lock; its token follows"},
	Deadlock:    {Fate: FateNever, Text: "DETECT was given, and services wait for each other; the locks of the cycle follow, each with its holder: release your own first"},
}

// errorTopic is the topic of HELP that lists the codes.
const errorTopic = "ERRORS"

var helpErrors = makeHelpErrors()

func makeHelpErrors() []string {
	lines := []string{"lost: you do not hold the lock. try again: later, or elsewhere. never: only after a change of the command or the token."}
	for code := OK + 1; code < CodeCount; code++ {
		m := Meanings[code]
		if m.Later {
			continue
		}
		lines = append(lines, code.String()+" - "+m.Fate.String()+" - "+m.Text)
	}
	return lines
}
