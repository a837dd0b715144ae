package bench

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"dlm/codec"
)

// The workloads. The first group is a stream of commands that was encoded
// before the clock starts; each of the others has a file of its own.
const (
	Pair  = "pair"  // ACQUIRE and RELEASE of a lock of the connection's own
	Renew = "renew" // HEARTBEAT of locks that are held all the time
	Zipf  = "zipf"  // Pair on locks that all connections share, few of them much more used
	Ping  = "ping"  // PING, the cheapest command there is

	Hot        = "hot"        // many owners queue for few locks
	Waiters    = "waiters"    // one long queue: filled, dropped, timed out, handed through
	Churn      = "churn"      // connect, one pair, close
	TenMillion = "tenmillion" // Then, with Held locks held beside it
)

// Workloads lists their names, for help and messages.
var Workloads = []string{Pair, Renew, Zipf, Ping, Hot, Waiters, Churn, TenMillion}

// The forms of requests that dlm knows.
const (
	Text = "text"
	RESP = "resp"
)

// Forms lists their names.
var Forms = []string{Text, RESP}

// Limits of a run: each bounds the memory or the descriptors of the generator.
const (
	connsMax    = 60_000
	depthMax    = 100_000
	locksMax    = 50_000_000
	heldMax     = 100_000_000
	waitersMax  = 1_000_000
	roundsMax   = 1_000
	threadsMax  = 64
	tagsPerConn = 9_000 // the server takes 10,000 open tags on a connection
)

// Config says what to run. EnsureDefaults fills what is left at zero.
type Config struct {
	Server string // host:port
	Token  string // presented with AUTH on every connection; empty: none
	Form   string // Text by default
	// Protocol is spoken instead of a form of ours; nil: Form.
	Protocol *Protocol

	Workload string // Pair by default
	Then     string // workload beside the held locks of TenMillion; Pair by default

	Conns  int   // connections; 50 by default
	Depths []int // outstanding commands per connection, a cell for each; 64 by default
	Rates  []int // commands per second of an open loop, a cell for each; empty: closed loop
	Locks  int   // names in use by Pair, Renew, Zipf and Hot; 10,000 by default, 4 for Hot
	Held   int   // locks held beside the workload; 10 million for TenMillion, else 0

	Contenders int     // owners of Hot; by default one per connection
	Waiters    int     // length of the queue of Waiters; 10,000 by default
	Skew       float64 // exponent of Zipf, above 1; 1.1 by default
	Apart      bool    // Pair: all ACQUIREs of a batch before all its RELEASEs

	// Options that clients send. Pair, Renew and Hot have the TTL, Pair and Renew the tags.
	TTL     time.Duration // a TTL in each ACQUIRE and HEARTBEAT; 0: none
	Fence   bool          // Renew, Hot: each HEARTBEAT and RELEASE shows the token of its hold
	Tags    bool          // each command has a tag; text alone
	NameLen int           // bytes of a lock name; 20 by default

	Prefix string // of lock names; two runs against a server at the same time need different ones
	Seed   uint64 // of the draws

	Warmup   time.Duration // before the first round; 500 ms by default
	Duration time.Duration // of a round; 2 s by default
	Rounds   int           // 3 by default
	Threads  int           // of the generator; 1 by default
	Poll     bool          // the generator never sleeps: it takes whole processors

	PID   int  // of the server, to read its CPU time; 0: ask INFO, -1: not at all
	Floor bool // the server answers OK to everything and does not know INFO

	Progress io.Writer // one line that is rewritten while running; nil: none
}

// EnsureDefaults fills every field that is left at zero and has a default.
func (c *Config) EnsureDefaults() {
	orString(&c.Form, Text)
	if c.Protocol == nil || c.Protocol.ours { // else the form may have changed since
		c.Protocol = protocolOf(c.Form)
	}
	orString(&c.Workload, Pair)
	orString(&c.Then, Pair)
	orString(&c.Prefix, "bench:")
	orNumber(&c.Conns, 50)
	if len(c.Depths) == 0 {
		c.Depths = []int{64}
	}
	locks := 10_000
	if c.kind() == Hot {
		locks = 4
	}
	orNumber(&c.Locks, locks)
	if c.Workload == TenMillion {
		orNumber(&c.Held, 10_000_000)
	}
	orNumber(&c.Contenders, c.Conns)
	orNumber(&c.Waiters, 10_000)
	orNumber(&c.Skew, 1.1)
	orNumber(&c.NameLen, 20)
	orNumber(&c.Seed, 1)
	orNumber(&c.Warmup, 500*time.Millisecond)
	orNumber(&c.Duration, 2*time.Second)
	orNumber(&c.Rounds, 3)
	orNumber(&c.Threads, 1)
}

// kind is the workload that is measured.
func (c *Config) kind() string {
	if c.Workload == TenMillion {
		return c.Then
	}
	return c.Workload
}

// Validate reports all problems together.
func (c *Config) Validate() error {
	var problems []error
	fail := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	within := func(what string, value, low, high int) {
		if value < low || value > high {
			fail("%s: %d is not within %d to %d", what, value, low, high)
		}
	}
	if c.Server == "" {
		fail("server: no address")
	}
	if !slices.Contains(Workloads, c.Workload) {
		fail("workload: %q is not one of %s", c.Workload, strings.Join(Workloads, ", "))
	}
	if !slices.Contains(Workloads, c.Then) || c.Then == TenMillion {
		fail("then: %q is not a workload to run beside held locks", c.Then)
	}
	if c.Protocol == nil {
		fail("form: %q is not one of %s", c.Form, strings.Join(Forms, ", "))
	}
	within("conns", c.Conns, 1, connsMax)
	within("locks", c.Locks, 1, locksMax)
	within("held", c.Held, 0, heldMax)
	within("waiters", c.Waiters, 1, waitersMax)
	within("contenders", c.Contenders, 1, waitersMax)
	within("rounds", c.Rounds, 1, roundsMax)
	within("threads", c.Threads, 1, threadsMax)
	for _, depth := range c.Depths {
		within("depth", depth, 1, depthMax)
	}
	for _, rate := range c.Rates {
		within("rate", rate, 1, 1_000_000_000)
	}
	if c.Duration <= 0 || c.Warmup <= 0 {
		fail("duration and warm-up must be above zero")
	}
	within("name-len", c.NameLen, numberLen+1, codec.NameMax)
	if most := c.NameLen - numberLen; len(c.Prefix) > most {
		fail("prefix: %d bytes, at most %d fit a name of %d", len(c.Prefix), most, c.NameLen)
	}
	if ms := c.TTL.Milliseconds(); c.TTL != 0 && (ms < codec.TTLMinMs || ms > codec.TTLMaxMs) {
		fail("ttl: %v is not within 100ms to 24h", c.TTL)
	}
	problems = append(problems, c.combinations()...)
	if c.Protocol != nil && !c.Protocol.ours {
		problems = append(problems, c.foreignCombinations()...)
	}
	return errors.Join(problems...)
}

// combinations reports settings that are right alone and not together.
func (c *Config) combinations() (problems []error) {
	fail := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	kind := c.kind()
	stream := isStream(kind)
	if (kind == Pair || kind == Renew) && c.Locks < c.Conns {
		fail("locks: %d are fewer than %d connections, which have locks of their own", c.Locks, c.Conns)
	}
	if len(c.Rates) > 0 && !stream {
		fail("rate: %s has no open loop", kind)
	}
	if c.Floor && !stream {
		fail("%s can only run against a lock server", kind)
	}
	if c.TTL > 0 && kind != Pair && kind != Renew && kind != Hot {
		fail("ttl: the workloads %s, %s and %s alone send it", Pair, Renew, Hot)
	}
	if c.Tags && kind != Pair && kind != Renew {
		fail("tags: the workloads %s and %s alone take the flag; %s has tags where it needs them", Pair, Renew, Hot)
	}
	if c.Tags && (c.Form != Text || c.Floor) {
		fail("tags: the text form of a lock server alone has them")
	}
	if c.Fence && (kind != Renew && kind != Hot || c.Floor) {
		fail("fence: the workloads %s and %s alone know the tokens of their holds", Renew, Hot)
	}
	if kind == Hot && c.Form != Text && c.Contenders > c.Conns {
		fail("contenders: more than connections needs tags, which the text form alone has")
	}
	if kind == Hot && c.Contenders < c.Conns {
		fail("contenders: %d are fewer than %d connections", c.Contenders, c.Conns)
	}
	if kind == Hot && c.Contenders > c.Conns*tagsPerConn {
		fail("contenders: at most %d on a connection", tagsPerConn)
	}
	if kind == Waiters && (c.Form != Text || c.Waiters > c.Conns*tagsPerConn) {
		fail("waiters: the queue needs the text form and a connection for each %d waiters", tagsPerConn)
	}
	if kind == Zipf && c.Skew <= 1 {
		fail("skew: %v is not above 1", c.Skew)
	}
	return problems
}

// foreignCombinations reports what other servers are not driven to do.
func (c *Config) foreignCombinations() (problems []error) {
	if c.Protocol.Workloads != nil && !slices.Contains(c.Protocol.Workloads, c.kind()) {
		problems = append(problems, fmt.Errorf("workload: %s runs %s", c.Protocol.Name, strings.Join(c.Protocol.Workloads, ", ")))
	}
	if c.Floor || c.Held > 0 || c.Apart || c.TTL > 0 || c.Tags || c.Fence {
		problems = append(problems, fmt.Errorf("%s takes no options, no held locks and no names that come twice in a batch", c.Protocol.Name))
	}
	return problems
}

func isStream(kind string) bool {
	return kind == Pair || kind == Renew || kind == Zipf || kind == Ping
}

func orString(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

func orNumber[T int | uint64 | float64 | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}
