// Package codec turns bytes into commands and replies into bytes, and back. It holds the vocabulary
// that all packages share: [Verb], [Code], [Token], the limits of the wire and the list of
// commands, [Docs].
//
// It owns the grammar. It knows nothing of connections, roles, locks and time. Its users decide
// whether a command is allowed and what it does, and what the verbs of RESP sessions (HELLO,
// CLIENT, ...) mean by their words. It starts no goroutine, does no input or output, and allocates
// nothing per command. It trusts no input: any bytes end in one of the results of [Status], never
// in a panic.
//
// # Two forms
//
// The first byte of each command tells its form, so one connection may mix them:
//
//	'*'       a RESP array of bulk strings, as Redis clients send it
//	otherwise a line of words
//
// Both become the same [Command]. Its Form is passed to [Writer.Start], so that a reply has the
// form of its command.
//
//	line    = blanks [ "@" tag blanks ] [ word { blanks word } ] blanks [ CR ] LF
//	word    = bare | quoted
//	bare    = bytes other than blank, LF and quote; does not begin with a quote
//	quoted  = '"' { byte but quote, LF and \ | escape } '"'
//	escape  = \" | \\ | \n | \r | \t | \xHH
//	tag     = 1 to 32 of A-Z a-z 0-9 . _ -
//	blanks  = spaces and tabs
//
//	array   = "*" number CRLF { "$" length CRLF bytes CRLF }
//
//	command = verb { argument } { option [ value ] }
//
// [Docs] has the arguments and options of each verb. Words of the grammar ignore case, names do
// not. A line without words and an array without elements are Blank.
//
// # Lock commands
//
// [Decoder.DecodeBatch] decodes the lock commands ACQUIRE, RELEASE and HEARTBEAT at the beginning
// of the input into a [Batch] of up to [BatchMax] [LockCommand]s. It decodes each by the quick
// decoder (quick.go), which knows the usual spelling, and else by the grammar. Where both accept a
// command they give the same one. [Decoder.Decode] decodes any command by the grammar.
//
// # Malformed input
//
// An error inside a line is Bad: the line is skipped, and the next one is decoded. Fatal are a line
// beyond its limit, wrong framing of an array, a limit of a connection before AUTH, and the first
// line of HTTP, TLS or a PROXY header (foreign.go). The bytes after a fatal error may not be
// commands of the same sender, so the connection is closed. A well-framed array with wrong words is
// Bad.
//
// Limits are checked as soon as a length is known, before its bytes arrive. So a caller never waits
// for more than one line or one frame: Incomplete is returned for at most LineMax+1 or FrameMax-1
// bytes. A result does not depend on how the input was cut into reads (FuzzText, FuzzRESP).
//
// # Ownership of bytes
//
// The words of a Command alias the input. A word that had escapes is in scratch memory of the
// Decoder instead. Both are valid until the next call of Decode, and no longer than the input. So
// is Problem.Msg. A caller that keeps the bytes copies them. A [Writer] aliases the tag given to
// Start until the reply is complete, and nothing else.
//
// # The durable form
//
// ShardImage is the form in which the holds of a shard are written to disk: fixed-size records and
// their strings (image.go). Its files are those of package engine/snapshot.
//
// # To add a verb
//
//  1. Add it to the verbs in command.go, before VerbClient unless only RESP has it.
//  2. Add its word to verbOf in verb.go, its row to Docs in help.go, and its arguments to
//     Decoder.command in parse.go.
//  3. Add cases to decode_test.go, which requires one for every verb of the text form.
//  4. Answer it in engine.
//
// A new option needs a bit in command.go and a case in option and optionValue. A command of Redis
// that is refused with advice belongs to Refused instead of Docs.
package codec
