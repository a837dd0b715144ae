package codec

// Writer appends replies to Buf. Every reply begins with Start, which sets the form and the tag.
// Then follows one call of OK, Error, Hold, Lines, Info or a RESP-only method; or Fields, its
// fields and End; or List with its Items.
type Writer struct {
	Buf   []byte
	RESP3 bool // the session has switched to RESP3

	form    Form
	tag     []byte
	first   bool // the next field begins the line
	fields  int  // of the present map of RESP
	counted int  // where in Buf the number of them belongs

	templates [3][2]replyTemplate // by the kind of reply, and whether the hold has ended (0)
}

// Start begins a reply. The tag is aliased until the reply is complete.
func (w *Writer) Start(form Form, tag []byte) { w.form, w.tag = form, tag }

// lead begins a line of text with the tag, if there is one.
func (w *Writer) lead() {
	if len(w.tag) > 0 {
		w.Buf = append(w.Buf, '@')
		w.Buf = append(w.Buf, w.tag...)
		w.Buf = append(w.Buf, ' ')
	}
}

// OK answers OK without fields.
func (w *Writer) OK() {
	if w.form == FormRESP {
		w.Buf = append(w.Buf, "+OK\r\n"...)
		return
	}
	w.lead()
	w.Buf = append(w.Buf, "OK\n"...)
}

// Error answers with a code and one line of words.
func (w *Writer) Error(code Code, msg string) { appendError(w, code, nil, msg) }

// ErrorBytes is Error for words in a buffer.
func (w *Writer) ErrorBytes(code Code, msg []byte) { appendError(w, code, nil, msg) }

// ErrorData is Error with data for programs between the code and the words. Data is numbers,
// keywords and quoted strings, with one blank between them. It may be empty.
func (w *Writer) ErrorData(code Code, data []byte, msg string) { appendError(w, code, data, msg) }

func appendError[T string | []byte](w *Writer, code Code, data []byte, msg T) {
	word, end := code.String(), "\n"
	if w.form == FormRESP {
		w.Buf, end = append(w.Buf, '-'), "\r\n"
		if code == Unknown {
			word = "ERR" // client libraries look for this word
		}
	} else {
		w.lead()
		w.Buf = append(w.Buf, "ERROR "...)
	}
	w.Buf = append(append(w.Buf, word...), ' ')
	w.Buf = appendData(w.Buf, data)
	w.Buf = append(appendLine(w.Buf, msg), end...)
}

// appendData appends the data of an error and a blank, unless the data is empty.
func appendData(dst, data []byte) []byte {
	if len(data) == 0 {
		return dst
	}
	return append(append(dst, data...), ' ')
}

// appendLine appends words without bytes that would end the line.
func appendLine[T string | []byte](dst []byte, msg T) []byte {
	for i := range len(msg) {
		c := msg[i]
		if c < 0x20 || c == 0x7f {
			c = '?'
		}
		dst = append(dst, c)
	}
	return dst
}
