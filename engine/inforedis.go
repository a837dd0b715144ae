package engine

// redisVersion is the version of Redis whose commands are answered, as far as clients send them on
// their own. Health checks look for the field, and clients choose their commands by it. Other
// servers with the protocol of Redis answer the same number.
const redisVersion = "7.2.4"

// infoReplication has the fields of Redis, because probes of load balancers look for role:master.
func (e *Engine) infoReplication(b []byte) []byte {
	f, follows := e.store.Following()
	if !follows {
		b = infoLine(b, "role", "master")
		return infoLine(b, "connected_slaves", 0)
	}
	b = infoLine(b, "role", "slave")
	link := "up"
	if f.Problem != "" || f.Asked.IsZero() {
		link = "down"
	}
	b = infoLine(b, "master_link_status", link)
	return infoLine(b, "connected_slaves", 0)
}

// infoPersistence has the field by which clients see that the server can be used.
func (e *Engine) infoPersistence(b []byte) []byte { return infoLine(b, "loading", 0) }

// roleRESP returns the role for the answer to HELLO, in the words of Redis.
func (e *Engine) roleRESP() string {
	if e.store.State().Follows() {
		return "replica"
	}
	return "master"
}

// wantsSection reports whether INFO with these words asks for a section. INFO asks for all without
// words, and with Redis' words for all.
func wantsSection(words [][]byte, section string) bool {
	for _, w := range words {
		for _, word := range [...]string{section, "ALL", "DEFAULT", "EVERYTHING"} {
			if is(w, word) {
				return true
			}
		}
	}
	return len(words) == 0
}
