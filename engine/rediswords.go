package engine

import "dlm/codec"

// Client libraries of Redis look for these words and tell their users the cause. Text has words of
// its own.
const (
	wrongPass    = "invalid username-password pair or user is disabled."
	noPassword   = "AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"
	noAuthRESP   = "Authentication required."
	noAuthHello  = "HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used"
	clientUsages = "CLIENT takes SETINFO <name> <value>, SETNAME <name>, GETNAME, ID, TRACKING ON|OFF, NO-EVICT ON|OFF or NO-TOUCH ON|OFF"
)

var clientHelp = []string{clientUsages, "What concerns a cache is answered OK: nothing is ever cached here."}

// refuseCredentials answers AUTH and HELLO with an unknown token.
func (r *reactor) refuseCredentials(verb codec.Verb, form codec.Form, words string) {
	switch {
	case form == codec.FormText:
		r.w.Error(codec.Denied, words)
	case r.e.authority.Load().Required():
		r.w.Fault("WRONGPASS", wrongPass)
	default:
		r.w.Fault("ERR", noPassword)
	}
	r.count(verb, codec.Denied)
}

// refusalWords returns the words of NoAuth and Denied for the form of the command.
func (r *reactor) refusalWords(c *conn, code codec.Code) string {
	if code == codec.NoAuth && r.cmd.Form == codec.FormRESP {
		return noAuthRESP
	}
	return refusalReason(c, r.cmd, code)
}

// client answers CLIENT.
func (r *reactor) client(c *conn, args [][]byte) {
	if len(args) == 0 {
		r.refuse(codec.BadArg, clientUsages)
		return
	}
	two := len(args) == 2
	switch sub := args[0]; {
	case is(sub, "SETINFO") && len(args) == 3:
		r.done()
	case is(sub, "SETNAME") && two:
		if len(args[1]) > codec.ConnNameMax {
			r.refuse(codec.TooBig, codec.ConnNameTooLong)
			return
		}
		r.rename(c, string(args[1]))
		r.done()
	case is(sub, "GETNAME") && len(args) == 1:
		if c.name == "" {
			r.w.Null()
		} else {
			r.w.Bulk([]byte(c.name))
		}
		r.count(codec.VerbClient, codec.OK)
	case is(sub, "ID") && len(args) == 1:
		r.w.Int(c.number)
		r.count(codec.VerbClient, codec.OK)
	case is(sub, "TRACKING") && len(args) >= 2 && onOff(args[1]), // rueidis requires it to connect
		(is(sub, "NO-EVICT") || is(sub, "NO-TOUCH")) && two && onOff(args[1]):
		r.done()
	case is(sub, "HELP") && len(args) == 1:
		r.w.Lines(clientHelp)
		r.count(codec.VerbClient, codec.OK)
	default:
		r.refuseClient(sub)
	}
}

func onOff(word []byte) bool { return is(word, "ON") || is(word, "OFF") }

// refuseClient refuses an unknown subcommand of CLIENT, or a known one with other arguments, in
// Redis' words.
func (r *reactor) refuseClient(sub []byte) {
	for _, known := range [...]string{"SETINFO", "SETNAME", "GETNAME", "ID", "TRACKING", "NO-EVICT", "NO-TOUCH", "HELP"} {
		if is(sub, known) {
			r.refuse(codec.BadArg, clientUsages)
			return
		}
	}
	msg := append(r.errorData[:0], "unknown subcommand '"...)
	msg = append(codec.AppendShort(msg, sub), "'. Try CLIENT HELP."...)
	r.errorData = msg
	r.w.ErrorBytes(codec.Unknown, msg)
	r.count(codec.VerbClient, codec.Unknown)
}

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
