package codec

// Which is the limit that a command has reached. Its word follows LIMIT on the wire. The words are
// part of the public protocol: add new ones at the end and never reuse a number.
type Which uint8

const (
	WhichNone        Which = 0  // no limit was reached
	WhichConns       Which = 1  // connections, or the files of the process
	WhichLocks       Which = 2  // held locks
	WhichWaiters     Which = 3  // waiting requests of all locks together
	WhichLockWaiters Which = 4  // waiting requests of one lock, or more than QUEUE allows
	WhichTags        Which = 5  // open tags of one connection
	WhichRetries     Which = 6  // records of requests that may be sent again
	WhichCount       Which = 7  // acquires without a release by one service
	WhichMemory      Which = 8  // memory of locks and waiters, or of connections
	WhichPending     Which = 9  // input of one connection that can't be executed yet
	WhichTokens      Which = 10 // fencing tokens that this start may give
	WhichAudit       Which = 11 // records of the audit that are not written yet
	WhichWatches     Which = 12 // prefixes of WATCH or NOTIFY of one connection
	WhichQuota       Which = 13 // what the token may use

	Whiches = 14 // their number
)

var whichWords = [...]string{
	"", "conns", "locks", "waiters", "lock-waiters", "tags", "retries", "count", "memory",
	"pending", "tokens", "audit", "watches", "quota",
}

// String returns the word of the limit on the wire.
func (w Which) String() string {
	if int(w) >= len(whichWords) {
		panic("BUG: limit out of range")
	}
	return whichWords[w]
}
