// Package codec turns bytes into commands and replies into bytes, and holds
// the vocabulary that everything else shares: [Verb], [Code], [Token], the
// limits of the wire and the list of commands, [Docs].
//
// It owns the grammar. It knows nothing of connections, roles, locks and time:
// whether a command is allowed and what it does is up to its users, and so is
// what the verbs of RESP sessions (HELLO, CLIENT, ...) mean by their words. It starts
// no goroutine, does no input or output, and allocates nothing per command.
// All input is of a stranger: any bytes whatever end in one of the
// five results of [Status], never in a panic.
//
// # Two forms
//
// The first byte of each command tells its form, so one connection may mix them:
//
//	'*'       a RESP array of bulk strings, as Redis clients send it
//	otherwise a line of words
//
// Both become the same [Command]. Its Form goes into [Writer.Start], so that a
// reply has the form of its command.
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
// The arguments and options of each verb stand in [Docs]. Words of the grammar
// ignore case, names do not. A line without words and an array without
// elements are Blank.
//
// # What comes most
//
// ACQUIRE, RELEASE and HEARTBEAT in upper case, with one blank between words and without
// quotes and options, are decoded without the grammar: plainHold, behind a tag plainTagged, for an array
// plainHoldRESP. Each of them tries a way for short words first. What these do not know is left to the grammar, which comes to the same result
// where both apply; the fuzz tests compare them. [Decoder.DecodeBurst] decodes up to
// [BurstMax] of them at once, into [Plain] commands that name places of the input and have short words as a
// [Text] as well. On amd64 lines of up to 64 bytes are decoded in assembler (shortLine): the bytes that end a word become
// bits of a number, 64 at a time, so that the words are cut out without a look at their bytes.
//
// # What is malformed
//
// A problem inside a line is Bad: the line is skipped, and what follows is
// sound. A line beyond its limit, anything wrong with the framing of an array, a
// limit of a connection before AUTH, and the first line of HTTP, TLS or a PROXY header (foreign.go) are Fatal:
// nothing behind them can be trusted to be a command of the same sender. A
// well-framed array with wrong words is Bad.
//
// Limits are checked as soon as a length is known, before its bytes are there:
// no more than one line or one frame is ever waited for: Incomplete never
// answers more than LineMax+1 or FrameMax-1 bytes. A result does not
// depend on how the input was cut into reads (FuzzText, FuzzRESP).
//
// # Who owns the bytes
//
// The words of a Command alias the input. A word that had escapes is in
// scratch memory of the Decoder instead. Both are valid until the next call
// of Decode, and no longer than the input is. Who keeps bytes copies them. Problem.Msg
// too is valid until the next Decode. A [Writer] aliases the tag given to Start
// until the reply is complete, and nothing else.
//
// # The durable form
//
// ShardImage is how the holds of a shard are written to disk: fixed-size records and
// their strings (image.go). Its files are those of package engine/snapshot.
//
// # To add a verb
//
// Add it to the verbs in command.go (before VerbHello unless it belongs to RESP
// alone), its word to
// verbOf in verb.go, its row to Docs in help.go, and its arguments to
// Decoder.command in parse.go. A new option needs a bit in command.go and a
// case in option and optionValue. A command of Redis that is refused in words goes to Refused instead of Docs. Then add cases to decode_test.go, which asks for
// one for every verb of the text form, and answer it in engine.
package codec
