package engine

import (
	"bytes"

	"dlm/codec"
)

// sessionRESP executes the commands that Redis clients send on their own when they connect.
func (r *reactor) sessionRESP(c *conn) {
	args := r.cmd.Args
	switch r.cmd.Verb {
	case codec.VerbEcho:
		r.w.Bulk(r.cmd.Text)
		r.count(codec.VerbEcho, codec.OK)
	case codec.VerbSelect:
		if len(args) == 1 && string(args[0]) == "0" {
			r.done()
		} else {
			r.refuse(codec.BadArg, "SELECT takes 0: there is one space of locks")
		}
	case codec.VerbClient:
		r.client(c, args)
	case codec.VerbConfig:
		r.config(args)
	case codec.VerbCommand:
		r.command(args)
	case codec.VerbMulti, codec.VerbExec, codec.VerbDiscard:
		r.transaction(c)
	default:
		panic("BUG: verb without an executor: " + r.cmd.Verb.String())
	}
}

// is compares a word with an upper-case keyword, ignoring case.
func is(word []byte, keyword string) bool {
	return len(word) == len(keyword) && bytes.EqualFold(word, []byte(keyword))
}

// config answers CONFIG GET, which redis-benchmark sends before it starts. Each name has an empty
// value.
func (r *reactor) config(args [][]byte) {
	if len(args) < 2 || !is(args[0], "GET") {
		r.refuse(codec.BadArg, "CONFIG takes GET <name>: settings are flags, environment or a file")
		return
	}
	r.w.Map(len(args) - 1)
	for _, name := range args[1:] {
		r.w.Bulk(name)
		r.w.Bulk(nil)
	}
	r.count(codec.VerbConfig, codec.OK)
}

// command answers COMMAND, COMMAND COUNT, COMMAND DOCS [name ...] and COMMAND INFO [name ...].
// redis-cli makes its hints from them.
func (r *reactor) command(args [][]byte) {
	switch {
	case len(args) == 0:
		r.cached(&r.docs.entries, func() { r.commandInfo(nil) })
	case is(args[0], "COUNT") && len(args) == 1:
		r.w.Int(int64(len(codec.Docs)))
	case is(args[0], "DOCS") && len(args) == 1:
		r.cached(&r.docs.docs, func() { r.commandDocs(nil) })
	case is(args[0], "DOCS"):
		r.cost += costDocs
		r.commandDocs(args[1:])
	case is(args[0], "INFO"):
		r.cost += costDocs
		r.commandInfo(args[1:])
	default:
		r.refuse(codec.BadArg, "COMMAND takes COUNT, DOCS or INFO")
		return
	}
	r.count(codec.VerbCommand, codec.OK)
}

// docTexts are the constant answers to COMMAND, by the version of RESP.
type docTexts struct{ entries, docs [2][]byte }

// cached answers with a text that write makes at its first use.
func (r *reactor) cached(texts *[2][]byte, write func()) {
	text := &texts[0]
	if r.w.RESP3 {
		text = &texts[1]
	}
	if *text == nil {
		from := len(r.w.Buf)
		write()
		*text = bytes.Clone(r.w.Buf[from:])
		return
	}
	r.w.Buf = append(r.w.Buf, *text...)
}

// commandInfo writes the entry of each named command, or of all if there are no names.
func (r *reactor) commandInfo(names [][]byte) {
	if len(names) == 0 {
		r.w.Array(len(codec.Docs))
		for i := range codec.Docs {
			r.commandEntry(&codec.Docs[i])
		}
		return
	}
	r.w.Array(len(names))
	for _, name := range names {
		if doc, ok := codec.DocOf(name); ok {
			r.commandEntry(doc)
		} else {
			r.w.Null()
		}
	}
}

// commandEntry writes name, arity, flags, first key, last key, key step.
func (r *reactor) commandEntry(doc *codec.Doc) {
	key := int64(0)
	if doc.Keys {
		key = 1
	}
	r.w.Array(6)
	r.w.Bulk(lower(doc.Name))
	r.w.Int(int64(-doc.Arity)) // negative: at least that many
	r.w.Array(0)
	r.w.Int(key)
	r.w.Int(key)
	r.w.Int(key)
}

// commandDocs writes a map from command to its description.
func (r *reactor) commandDocs(names [][]byte) {
	var docs []*codec.Doc
	for i := range codec.Docs {
		doc := &codec.Docs[i]
		wanted := len(names) == 0
		for _, name := range names {
			wanted = wanted || is(name, doc.Name)
		}
		if wanted {
			docs = append(docs, doc)
		}
	}
	r.w.Map(len(docs))
	for _, doc := range docs {
		r.w.Bulk(lower(doc.Name))
		r.w.Map(3)
		r.w.Word("summary", doc.Summary)
		r.w.Word("group", "locks")
		r.w.Key("arguments")
		r.commandArguments(doc)
	}
}

// commandArguments writes the arguments as redis-cli shows them: each word of the documentation is
// one argument.
func (r *reactor) commandArguments(doc *codec.Doc) {
	words := bytes.Fields([]byte(doc.Args))
	r.w.Array(len(words))
	for _, word := range words {
		r.w.Map(3)
		r.w.Str("name", word)
		r.w.Word("type", "string")
		r.w.Str("display_text", word)
	}
}

func lower(name string) []byte { return bytes.ToLower([]byte(name)) }
