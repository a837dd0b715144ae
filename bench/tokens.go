package bench

import (
	"fmt"

	"dlm/codec"
)

// statusDepth is how many STATUS are under way at the same time.
const statusDepth = 256

// tokens asks for the tokens of the locks 0 to n-1, which are held.
func (t *target) tokens(n int) (map[int]codec.Token, error) {
	found := make(map[int]codec.Token, n)
	for low := 0; low < n; low += statusDepth {
		high := min(low+statusDepth, n)
		var request []byte
		for i := low; i < high; i++ {
			cmd := codec.Command{Verb: codec.VerbStatus, Name: []byte(t.c.nameOf(i))}
			request = codec.AppendCommand(request, &cmd)
		}
		if err := t.Send(request); err != nil {
			return nil, err
		}
		for i := low; i < high; i++ {
			line, err := t.In.ReadBytes('\n')
			if err != nil {
				return nil, err
			}
			var r codec.Reply
			codec.ParseReply(line, codec.FormText, &r)
			token, ok := r.Number("token")
			if !ok {
				return nil, fmt.Errorf("STATUS: %w", wrongReply(line, "token=..."))
			}
			found[i] = codec.Token(token)
		}
	}
	return found, nil
}
