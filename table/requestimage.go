package table

import (
	"fmt"

	"dlm/codec"
)

// exportEnded appends ended requests to img, from the cursor on, and returns true when it is done.
// It copies no more than scan records. Requests whose end changes nothing for a repeat are left
// out.
func (s *Shard) exportEnded(at *ExportCursor, scan int, img *codec.ShardImage) (done bool) {
	i := s.ended.oldest
	for i != none && s.requests.at(i).until <= at.ended {
		i = s.requests.at(i).newer
	}
	for ; i != none && scan > 0; scan-- {
		q := s.requests.at(i)
		at.ended = q.until
		s.exportRequest(i, img)
		i = q.newer
	}
	return i == none
}

func (s *Shard) exportRequest(i uint32, img *codec.ShardImage) {
	q := s.requests.at(i)
	x := codec.RequestImage{Token: q.token, Args: q.args, Count: q.count, Number: q.number, State: uint8(q.state)}
	x.Name, x.Service, x.ID = s.requestStrings(q)
	if !q.state.live() {
		x.Until = q.until
	}
	if q.repeated {
		x.Flags = codec.RequestRepeated
	}
	img.AppendRequest(&x)
}

// importRequests brings the requests of an image back, after the holds.
func (s *Shard) importRequests(img *codec.ShardImage, rec Recovery) error {
	var x codec.RequestImage
	for i := range img.RequestCount() {
		img.RequestAt(i, &x)
		if err := s.importRequest(&x, rec); err != nil {
			return fmt.Errorf("request %d: %w", i, err)
		}
	}
	s.boundEnded()
	return nil
}

func (s *Shard) importRequest(x *codec.RequestImage, rec Recovery) error {
	hash := s.table.Hash(x.Name)
	if s.table.Shard(hash) != s {
		return errShard
	}
	tag, state := uint32(hash), requestState(x.State)
	cmd := codec.Command{Verb: codec.VerbAcquire, Name: x.Name, Service: x.Service, Req: x.ID}
	if state == requestDone {
		cmd.Verb = codec.VerbRelease
	}
	if state == requestGranted {
		held, g, _, _ := s.holdBy(s.indexOf(tag, x.Name), x.Service)
		if held == nil || held.token != x.Token {
			return nil // its hold was ended while the image was written
		}
		g.setHasRequests()
	}
	if at := s.findRequest(tag, &cmd); at != none {
		s.dropRequest(at) // it went on while the image was written: the later state counts
	}
	s.requestQuota.takeAnyway(&s.table.requests) // a limit that was made smaller
	i, q := s.placeRequest(tag, x.Name, x.Service, x.ID)
	q.token, q.args, q.count, q.number, q.state = x.Token, x.Args, x.Count, x.Number, state
	q.repeated = x.Flags&codec.RequestRepeated != 0
	s.order = max(s.order, x.Number)
	if !state.live() {
		s.listEndedUntil(i, q, max(x.Until-rec.ImageTime, 0)+rec.Now)
	}
	return nil
}
