package engine

import (
	"strconv"

	"dlm/codec"
	"dlm/table"
)

// Errors carry data for programs between the code and the words. All of them are made here.

// refuseResult answers a lock command that the table has refused.
func (r *reactor) refuseResult(res *table.Result) {
	data := r.errorData[:0]
	switch res.Code {
	case codec.AlreadyHeld:
		data = strconv.AppendUint(data, uint64(res.Token), 10)
	}
	r.refuseWith(res.Code, data, reasonOf(r.cmd.Verb, res.Code))
}

// refuseWith is refuse with data, which may be in r.errorData.
func (r *reactor) refuseWith(code codec.Code, data []byte, msg string) {
	r.w.ErrorData(code, data, msg)
	r.errorData = data[:0]
	r.count(r.cmd.Verb, code)
}
