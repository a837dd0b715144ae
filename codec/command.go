package codec

// Verb names a command. The numbers are internal to one process: they are
// not written to the wire or to disk.
type Verb uint8

// The verbs of both forms, then those that only the RESP form has.
const (
	VerbNone Verb = iota // no verb decoded, or an unknown one
	VerbAcquire
	VerbRelease
	VerbHeartbeat
	VerbUpgrade
	VerbDowngrade // the last of a Batch
	VerbStatus
	VerbHolders
	VerbForceRelease
	VerbAuth
	VerbLocks
	VerbDetail
	VerbPing
	VerbInfo
	VerbHelp
	VerbQuit
	VerbTop
	VerbWaiters
	VerbOwner
	VerbEvents
	VerbClients
	VerbDisconnect
	VerbHello
	VerbWatch
	VerbUnwatch
	VerbNotify
	VerbDeadlocks
	VerbCancel
	VerbOutcome

	VerbClient // RESP only, like all that follow
	VerbCommand
	VerbConfig
	VerbSelect
	VerbEcho
	VerbReset

	VerbMulti // refused, like all that follow: see Refused
	VerbExec
	VerbDiscard

	VerbCount // number of verbs, not a verb
)

// Form is the wire form of one command. A reply has the form of its command.
type Form uint8

const (
	FormText Form = iota // a line
	FormRESP             // a RESP array of bulk strings
)

// Token is a fencing token: positive, below 2^53, strictly larger with each new
// grant of one lock. Zero means none.
type Token uint64

// TokenMax is the largest token. Every number up to it is a double of its own, so that JavaScript,
// Lua and the tools for JSON compare tokens rightly.
const TokenMax Token = 1<<53 - 1

// Opts is the set of options of a command.
type Opts uint32

const (
	OptToken     Opts = 1 << iota // TOKEN n: Command.Token
	OptTTL                        // TTL ms: Command.TTLMs
	OptMeta                       // META text: Command.Text
	OptReason                     // REASON text: Command.Text
	OptPrefix                     // PREFIX p: Command.Name
	OptHeld                       // HELD
	OptContended                  // CONTENDED
	OptLimit                      // LIMIT n: Command.Limit
	OptCursor                     // CURSOR c: Command.Text
	OptOn                         // DETAIL ON (absent: OFF)
	OptCount                      // COUNT c: Command.Count
	OptText                       // an optional argument is present: Command.Text
	OptFresh                      // FRESH
	OptQueue                      // QUEUE n: Command.Queue
	OptAll                        // ALL
	OptSince                      // SINCE n: Command.Number
	OptPong                       // PING alone on a line with CRLF, as probes of Redis send it
	OptShared                     // SHARED
	OptPermits                    // PERMITS n: Command.Permits
	OptUpgrade                    // set for UPGRADE and DOWNGRADE, so that the options show them
	OptCounted                    // no option of the wire: the service can have a quota, see table
	OptReq                        // REQ id: Command.Req
	OptDetect                     // DETECT
)

// Command is one decoded command, filled by Decoder.Decode and reused.
//
// Slices alias the decoder's input, or its scratch space where a word had escapes. They are valid
// until the next call of Decode, and no longer than the input. A caller that keeps the bytes copies
// them. A field is valid only if the verb has it as a fixed argument or its bit is set in Opts.
// Other fields hold leftovers of earlier commands, so that nothing needs to be cleared per command.
type Command struct {
	Verb Verb
	Form Form
	Opts Opts

	Name    []byte // lock name, 1 to Limits.NameMax bytes; LOCKS: the prefix
	Service []byte // service id, 1 to Limits.ServiceMax bytes
	WaitMs  uint32 // ACQUIRE, UPGRADE: longest wait in milliseconds, 0 tries once
	TTLMs   uint32 // lease length in milliseconds, TTLMinMs to TTLMaxMs
	Token   Token  // fencing token
	Count   uint32 // HEARTBEAT: acquires less releases as the holder counts them, 1 to 2^31-1
	Limit   int    // LOCKS: most lines wanted, at least 1
	// ACQUIRE: most requests that may wait before it, at least 1; QUEUE 0 sets WaitMs to 0
	Queue   uint32
	Permits uint32 // how many permits the lock has, 1 to PermitsMax
	By      By     // TOP: the order
	Number  uint64 // EVENTS: the first event with SINCE; DISCONNECT: the client
	Text    []byte // META, REASON, CURSOR, or the argument of AUTH, PING, ECHO, HELP, CANCEL @tag
	Req     []byte // id of a request, 1 to ReqMax bytes

	Tag  []byte   // tag of a text command without the @; empty: untagged
	Args [][]byte // all words after the verb, of INFO and of verbs of RESP sessions
}

// Has reports whether the command has the option.
func (c *Command) Has(o Opts) bool { return c.Opts&o != 0 }
