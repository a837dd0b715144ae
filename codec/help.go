package codec

import "strings"

// Doc describes one command, to people and to Redis clients.
type Doc struct {
	Verb    Verb
	Name    string // the word on the wire, in upper case
	Args    string // the arguments, as in the documentation
	Summary string // one sentence without a full stop
	Arity   int    // least number of words, the name included
	Keys    bool   // true if the first argument is a lock name

	More []string // further sentences of HELP <command>; nil if the summary is enough
}

// Docs is the only list of commands. HELP, the messages about wrong arguments, COMMAND and COMMAND
// DOCS are made from it. Do not modify.
var Docs = [...]Doc{
	{VerbAcquire, "ACQUIRE", "<lock> <service> <timeout_ms> [TTL <ms>] [SHARED|PERMITS <n>] [REQ <id>] [META <text>] [FRESH] [QUEUE <n>] [DETECT]", "Take a lock, and wait up to timeout_ms for it; 0 tries once", 4, true, []string{
		"The answer comes when the lock is granted, or is TIMEOUT. timeout_ms is 0 to 86400000.",
		"TTL: length of the lease, 100 to 86400000 ms. The hold ends with its lease, unless HEARTBEAT renews it.",
		"SHARED: other services may hold the lock with SHARED at the same time. Requests of both kinds are granted in their order.",
		"PERMITS: the lock is a semaphore of n permits, and each ACQUIRE takes one. CONFLICT if it is another kind of lock now.",
		"META: up to 512 bytes about the holder, for STATUS and LOCKS to show.",
		"A service that holds the lock is granted it again, and releases it as often. All processes with one service id are one owner.",
		"FRESH: no second grant. If the service holds the lock, the answer is HELD and the token, and nothing changes.",
		"QUEUE: if n requests or more wait already, the answer is LIMIT lock-waiters. 0 never waits.",
		"DETECT: a wait that is in a cycle of services that wait for each other is refused with DEADLOCK. The locks of the cycle follow, each with its holder.",
		"REQ: an id of up to 64 bytes, a new one for each ACQUIRE of this lock by this service. The command can then be sent again, on any connection, and is executed once.",
		"A repeat takes over the place of a request that waits, or gets the token of the hold. After a lost connection the place is kept for some seconds.",
	}},
	{VerbRelease, "RELEASE", "<lock> <service> [TOKEN <n>] [ALL] [REQ <id>]", "Give a lock back, once for each ACQUIRE", 3, true, []string{
		"TOKEN: release only the hold with this token, else answer STALE. Without it, a RELEASE that arrives late ends a newer hold of the service.",
		"ALL: give back every ACQUIRE of this hold, in one step.",
		"REQ: an id of up to 64 bytes, with which the command can be sent again. It counts once.",
	}},
	{VerbHeartbeat, "HEARTBEAT", "<lock> <service> [TOKEN <n> [COUNT <c>] [SHARED|PERMITS <n>]] [TTL <ms>]", "Start the lease of a held lock again", 3, true, []string{
		"TOKEN: act only if this is the token of the present hold, else STALE.",
		"COUNT: how often the service has acquired the lock. The server uses it while it recovers from a crash, and ignores it otherwise.",
		"SHARED, PERMITS: how the lock was acquired, also for the recovery. Without them it was exclusive.",
		"TTL: length of the lease from now on, 100 to 86400000 ms. A lease that runs is never made shorter, but by the first proof after a crash.",
		"NOTHELD, NOTOWNER and STALE mean that the lock is lost.",
	}},
	{VerbUpgrade, "UPGRADE", "<lock> <service> <timeout_ms> [TOKEN <n>]", "Make a shared hold exclusive, when the other holders have left", 4, true, []string{
		"The hold keeps its count and gets a new token. The request waits before all others, up to timeout_ms.",
		"CONFLICT: another holder waits for the same. Release the lock, since both would wait for ever.",
		"TOKEN: act only if this is the token of the present hold, else STALE.",
	}},
	{VerbDowngrade, "DOWNGRADE", "<lock> <service> [TOKEN <n>]", "Make an exclusive hold shared", 3, true, []string{
		"The hold keeps its token, count and lease. Requests with SHARED at the head of the queue are granted.",
		"TOKEN: act only if this is the token of the present hold, else STALE.",
	}},
	{VerbStatus, "STATUS", "<lock>", "Show who holds a lock, since when, and how many requests wait", 2, true, []string{
		"reentries_other_conn: how often another connection than the first acquired this hold again, up to 63.",
		"If it is there by surprise, several processes use one service id: see FRESH in HELP ACQUIRE.",
		"A shared lock shows holders, a semaphore permits, taken and holders: HOLDERS lists them.",
	}},
	{VerbHolders, "HOLDERS", "<lock>", "List the services that hold a lock, up to 1000", 2, true, []string{
		"more: how many others there are.",
	}},
	{VerbForceRelease, "FORCE-RELEASE", "<lock> [TOKEN <n>] [REASON <text>]", "End the present hold of a lock; needs the admin role", 2, true, []string{
		"TOKEN: act only if this is the token of the present hold, else STALE.",
		"Without TOKEN, all holds of a shared lock or semaphore end. The answer says how many, and names the newest.",
		"REASON: up to 512 bytes for the log.",
	}},
	{VerbAuth, "AUTH", "<token>", "Authenticate this connection", 2, false, nil},
	{VerbLocks, "LOCKS", "[PREFIX <p>] [HELD|CONTENDED] [LIMIT <n>] [CURSOR <c>]", "List locks, a page at a time", 1, false, []string{
		"PREFIX: only names that begin with p. HELD: only held locks. CONTENDED: only locks for which requests wait.",
		"LIMIT: most lines of one answer, 1 to 1000. CURSOR: the cursor of the previous answer.",
		"Ask again until the cursor is empty. A page can have few lines, or none.",
	}},
	{VerbDetail, "DETAIL", "ON|OFF", "Add token, count and lease_ms to the OK of lock commands", 2, false, []string{
		"This is for text, and for this connection. RESP always answers these fields.",
		"A grant after a wait also has waited_ms. The lease began that long after the ACQUIRE was executed.",
	}},
	{VerbPing, "PING", "", "Check the connection", 1, false, nil},
	{VerbInfo, "INFO", "[section ...]", "Show the state of the server in numbers", 1, false, []string{
		"Sections: server, clients, locks, durability, commands, memory, replication, persistence.",
	}},
	{VerbHelp, "HELP", "[command|ERRORS]", "List the commands, or explain one command or all errors", 1, false, nil},
	{VerbTop, "TOP", "[WAITERS|WAIT|HEAT|HOLD] [LIMIT <n>]", "List the locks with the most waiters, longest waits, most waiting lately, or longest holds", 1, false, []string{
		"waited_ms: of the request that has waited longest. heat_ms: waiting that has ended, halved each minute.",
		"The list comes from a view that all share. age_ms says how old it is, and truncated=1 that there are more locks than it keeps.",
	}},
	{VerbWaiters, "WAITERS", "<lock> [LIMIT <n>] [CURSOR <c>]", "List the requests that wait for a lock, the first one first", 2, true, []string{
		"left_ms: until its timeout_ms. client: its connection, for admins; 0 if it has gone.",
	}},
	{VerbOwner, "OWNER", "<service> [LIMIT <n>] [CURSOR <c>]", "List what a service holds and waits for", 2, false, []string{
		"One answer looks at 16384 records: ask again until the cursor is empty. A page can have no lines.",
	}},
	{VerbEvents, "EVENTS", "[SINCE <n>] [LIMIT <n>]", "List what happened: expired and forced holds, long waits, limits, wrong tokens", 1, false, []string{
		"The server keeps the last 1024. next: what to ask SINCE for the events after these. lost: events that are gone.",
	}},
	{VerbClients, "CLIENTS", "[LIMIT <n>] [CURSOR <c>]", "List the open connections; needs the admin role", 1, false, nil},
	{VerbDisconnect, "DISCONNECT", "<client> REASON <text>", "Close a connection; needs the admin role", 4, false, []string{
		"client: its number in CLIENTS. Its waits end, and its holds stay until their leases end.",
	}},
	{VerbQuit, "QUIT", "", "Close this connection", 1, false, nil},
	{VerbCancel, "CANCEL", "@<tag> | <lock> <service> REQ <id>", "End a wait", 2, false, []string{
		"@<tag>: a wait of this connection. It is answered CANCELED, unless its grant was faster.",
		"REQ: a request of any connection. If it was granted meanwhile, its count is given back. If it is not known yet, it is refused should it arrive within 60 s.",
	}},
	{VerbOutcome, "OUTCOME", "<lock> <service> REQ <id>", "Show what became of an ACQUIRE with REQ", 5, true, nil},
	{VerbHello, "HELLO", "[NAME <text>] [ALIVE <ms>]", "Say who this connection is, and show what the server is and can", 1, false, []string{
		"NAME: up to 64 bytes for operators.",
		"ALIVE: a promise to send something every so many ms, 1000 to 600000. After twice that in silence the server closes the connection and passes its waits over.",
		"RESP only: HELLO [2|3] [AUTH <user> <token>] [SETNAME <name>] before these.",
	}},
	{VerbWatch, "WATCH", "<prefix>", "Tell this connection what happens to locks whose names begin so", 2, false, []string{
		"Each change is a line EVENT and its kind, or a push of RESP3: queued, granted, reentered, released, expired, forced, timeout, canceled, upgraded, downgraded.",
		"EVENT missed says how many were left out, because 64 KiB waited for this connection to read. RESP2 has no events.",
	}},
	{VerbDeadlocks, "DEADLOCKS", "", "List services that wait for each other for ever", 1, false, []string{
		"Each line is a request that waits for a hold: cycle, service, lock, holder, token, waited_ms. Lines with one cycle number form a cycle.",
		"A request for a permit waits for ever if all other services that have one do.",
		"All lines of a cycle were true at one moment. truncated=1: cycles may be missing.",
	}},
	{VerbUnwatch, "UNWATCH", "[<prefix>]", "End what WATCH with this prefix began, or all of it", 1, false, nil},
	{VerbNotify, "NOTIFY", "<service prefix>|OFF", "Tell this connection when services whose ids begin so lose a hold", 2, false, []string{
		"The line is EVENT lost, with why=expired or why=forced. OFF ends all of it.",
	}},
	{VerbClient, "CLIENT", "SETINFO|SETNAME|GETNAME|ID|TRACKING|NO-EVICT|NO-TOUCH|HELP ...", "Name this connection, as Redis clients do", 2, false, nil},
	{VerbCommand, "COMMAND", "[COUNT|DOCS|INFO ...]", "Describe the commands to Redis clients", 1, false, nil},
	{VerbConfig, "CONFIG", "GET <name> ...", "Answer empty values to Redis tools that ask", 3, false, nil},
	{VerbSelect, "SELECT", "0", "Accept 0, the only database", 2, false, nil},
	{VerbEcho, "ECHO", "<text>", "Answer with the text", 2, false, nil},
	{VerbReset, "RESET", "", "Reset this connection to its first state", 1, false, nil},
}

// Refused are commands of Redis whose answer says what to do instead. No list shows them. Do not
// modify.
var Refused = [...]Doc{
	{Verb: VerbMulti, Name: "MULTI"},
	{Verb: VerbExec, Name: "EXEC"},
	{Verb: VerbDiscard, Name: "DISCARD"},
}

// usages are the sentences of usageOf. They are made once, not per command.
var usages = makeUsages()

func makeUsages() (list [VerbCount]string) {
	for _, doc := range Docs {
		if doc.Args == "" {
			list[doc.Verb] = doc.Name + " takes no arguments"
		} else {
			list[doc.Verb] = doc.Name + " takes " + doc.Args
		}
	}
	return list
}

// usageOf returns a sentence about the arguments of the verb.
func usageOf(v Verb) string { return usages[v] }

// DocOf returns the description of the command with that name, in any case.
func DocOf(name []byte) (*Doc, bool) {
	for i := range Docs {
		if equalFold(name, Docs[i].Name) {
			return &Docs[i], true
		}
	}
	return nil, false
}

// helpLines are the answers of HELP: one for each verb, and the list at VerbNone. They are made
// once from Docs, so that HELP allocates nothing.
var helpLines = makeHelpLines()

func makeHelpLines() (list [VerbCount][]string) {
	for _, doc := range Docs {
		usage := strings.TrimRight(doc.Name+" "+doc.Args, " ")
		list[doc.Verb] = append([]string{usage, doc.Summary + "."}, doc.More...)
		if doc.Verb < VerbClient {
			list[VerbNone] = append(list[VerbNone], usage+" - "+doc.Summary)
		}
	}
	return list
}

// Help returns the lines that answer HELP with a topic, which is a command or ERRORS in any case,
// or HELP without one. It returns false if there is no such topic. The list leaves out commands
// that only RESP has. The lines are shared: do not modify.
func Help(topic []byte) (lines []string, ok bool) {
	if len(topic) == 0 {
		return helpLines[VerbNone], true
	}
	if equalFold(topic, errorTopic) {
		return helpErrors, true
	}
	doc, ok := DocOf(topic)
	if !ok {
		return nil, false
	}
	return helpLines[doc.Verb], true
}
