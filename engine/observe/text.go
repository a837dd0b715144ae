package observe

import (
	"errors"

	"dlm/codec"
)

// Text is a string of a client: a name, a service, META, a reason. It can be any bytes.
type Text []byte

// MarshalText returns the escapes of replies in text, without the quotes. JSON has no other form
// for bytes that are not UTF-8, and runes that steer a terminal stay visible.
func (t Text) MarshalText() ([]byte, error) {
	quoted := codec.AppendQuoted(make([]byte, 0, len(t)+2), t)
	return quoted[1 : len(quoted)-1], nil
}

// UnmarshalText reads what MarshalText has written.
func (t *Text) UnmarshalText(b []byte) error {
	text, ok := ParseText(string(b))
	if !ok {
		return errors.New("an escape that is none")
	}
	*t = text
	return nil
}

// ParseText returns the bytes that MarshalText has escaped; false if there is an escape that it
// does not write.
func ParseText(s string) (Text, bool) {
	quoted := make([]byte, 0, len(s)+2)
	quoted = append(append(append(quoted, '"'), s...), '"')
	return codec.AppendUnquoted(nil, quoted)
}
