package codec

// Limits of the wire (section "Limits" of the protocol). They are constants
// of the protocol, not settings: a client may rely on them.
const (
	NameMax    = 1024       // bytes of a lock name
	ServiceMax = 256        // bytes of a service id
	MetaMax    = 512        // bytes of META and of REASON
	ReqMax     = 64         // bytes of the id of a request
	TagMax     = 32         // bytes of a tag, without the @
	LineMax    = 8 << 10    // bytes of a text line without its end, and of one RESP bulk string
	ArgsMax    = 32         // words of a command, the verb and option names included
	FrameMax   = 64 << 10   // bytes of a whole RESP command
	WaitMaxMs  = 86_400_000 // longest wait timeout, 24 h
	TTLMinMs   = 100        // shortest lease
	TTLMaxMs   = 86_400_000 // longest lease, 24 h
	CountMax   = 1<<31 - 1  // acquires without a release that one hold may have
	ListMax    = 1000       // most lines that one LOCKS or HOLDERS answers
	PermitsMax = 1_000_000  // permits of a lock; a larger number is a mistake
)

// Limits of a connection that has not authenticated yet.
const (
	PreAuthArgsMax = 8
	PreAuthWordMax = 1 << 10
)
