package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"

	"dlm/codec"
)

const (
	bodyMax  = 8 << 10 // bytes in the body of a request
	shownMax = 64      // bytes of it that a refusal repeats
)

// decodeBody reads the JSON object of a POST into v, which points to a struct.
func decodeBody(c *call, v any) error {
	if kind, _, err := mime.ParseMediaType(c.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return refuse(codec.BadArg, "send a body of the type application/json")
	}
	d := json.NewDecoder(http.MaxBytesReader(nil, c.Body, bodyMax))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return bodyProblem(err, v)
	}
	if d.More() {
		return refuse(codec.BadArg, "the body has more than one object")
	}
	return nil
}

// bodyProblem says what is wrong with a body: which field, and what is expected.
func bodyProblem(err error, v any) error {
	var (
		tooLarge *http.MaxBytesError
		syntax   *json.SyntaxError
		kind     *json.UnmarshalTypeError
	)
	switch {
	case errors.As(err, &tooLarge):
		return refuse(codec.TooBig, "a body has at most %d bytes", bodyMax)
	case errors.Is(err, io.EOF):
		return refuse(codec.BadArg, "the body is empty: send %s", wantedBody(v))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return refuse(codec.BadArg, "the body ends within its JSON object")
	case errors.As(err, &syntax):
		return refuse(codec.BadArg, "the body is no JSON: byte %d of it is wrong", syntax.Offset)
	case errors.As(err, &kind) && kind.Field == "":
		return refuse(codec.BadArg, "the body is %s: send %s", kindGiven(kind.Value), wantedBody(v))
	case errors.As(err, &kind):
		return refuse(codec.BadArg, "%s is %s, and must be %s", kind.Field, kindGiven(kind.Value), kindWanted(kind.Type))
	}
	if _, name, unknown := strings.Cut(err.Error(), "unknown field "); unknown {
		return refuse(codec.BadArg, "there is no field %.*s: send %s", shownMax, name, wantedBody(v))
	}
	return refuse(codec.BadArg, "the body can't be read: send %s", wantedBody(v))
}

// wantedBody describes the object that v points to.
func wantedBody(v any) string {
	t := reflect.TypeOf(v).Elem()
	var fields []string
	for i := range t.NumField() {
		fields = append(fields, t.Field(i).Tag.Get("json"))
	}
	if len(fields) == 0 {
		return "{}"
	}
	return "a JSON object with " + strings.Join(fields, ", ")
}

// kindWanted describes the values of a type.
func kindWanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Uint64:
		return "a whole number from 0 on"
	case reflect.Int64:
		return "a whole number"
	}
	panic(fmt.Sprintf("BUG: a body has a field of the type %v", t))
}

// kindGiven describes a value by the word of encoding/json.
func kindGiven(value string) string {
	word, number, found := strings.Cut(value, " ")
	switch {
	case found:
		return fmt.Sprintf("the number %.*s", shownMax, number)
	case word == "number":
		return "a number"
	}
	switch word {
	case "bool":
		return "true or false"
	case "array":
		return "a list"
	case "object":
		return "an object"
	default:
		return "a string"
	}
}
