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

// Meanings has the meaning of each code. HELP ERRORS shows it, and a test compares it with PROTOCOL.md. Do not modify.
var Meanings = [CodeCount]Meaning{
	Timeout:     {Fate: FateAgain, Text: "not granted within timeout_ms; the data are the holder and how long it holds"},
	NotHeld:     {Fate: FateLost, Text: "nobody holds the lock; to RELEASE: it is over already"},
	NotOwner:    {Fate: FateLost, Text: "another service holds the lock"},
	Stale:       {Fate: FateLost, Text: "TOKEN is that of an earlier hold"},
	BadArg:      {Fate: FateNever, Text: "wrong number or form of arguments"},
	Unknown:     {Fate: FateNever, Text: "no such command"},
	TooBig:      {Fate: FateNever, Text: "a line, name, id or option beyond its limit"},
	Limit:       {Fate: FateAgain, Text: "a limit, which the data name, is reached; nothing was changed"},
	NoAuth:      {Fate: FateNever, Text: "authenticate first, or with another token; holds stay until their leases end"},
	Denied:      {Fate: FateNever, Text: "the token is wrong, or its role may not do this"},
	Conflict:    {Fate: FateNever, Text: "the mode differs from that of the present holders", Later: true},
	Recovering:  {Fate: FateAgain, Text: "grace after a restart, as long as the data say; send HEARTBEAT with TOKEN and COUNT for holds"},
	ReadOnly:    {Fate: FateAgain, Text: "a backup: ask the primary; no hold is lost"},
	NotLeader:   {Fate: FateAgain, Text: "another node leads: ask it; no hold is lost", Later: true},
	Canceled:    {Fate: FateAgain, Text: "the wait was ended, by the client or with its connection"},
	Shutdown:    {Fate: FateAgain, Text: "the server stops; holds go on if it keeps images"},
	Internal:    {Fate: FateAgain, Text: "a bug of the server, which has been logged; ask STATUS what became of it"},
	AlreadyHeld: {Fate: FateNever, Text: "FRESH, and this service holds the lock; the data are its token"},
}

// errorTopic is the topic of HELP that lists the codes.
const errorTopic = "ERRORS"

var helpErrors = makeHelpErrors()

func makeHelpErrors() []string {
	lines := []string{"lost: the hold is gone. try again: later, or elsewhere. never: not without a change of what is sent."}
	for code := OK + 1; code < CodeCount; code++ {
		m := Meanings[code]
		if m.Later {
			continue
		}
		lines = append(lines, code.String()+" - "+m.Fate.String()+" - "+m.Text)
	}
	return lines
}
