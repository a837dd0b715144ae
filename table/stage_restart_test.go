package table

import (
	"dlm/codec"
)

// savedImage is an image of all shards, as a file would hold it.
type savedImage struct {
	shards [Shards]codec.ShardImage
	time   int64
	grace  bool
}

// image exports all shards, looking at scan records per hold of a mutex.
func (st *stage) image(scan int) *savedImage {
	m := &savedImage{time: st.now}
	for i := range Shards {
		m.grace = m.grace || st.table.ShardAt(i).GraceRuns()
	}
	for i := range Shards {
		for at := (ExportCursor{}); !st.table.ShardAt(i).Export(&at, scan, m.grace, &m.shards[i]); {
		}
	}
	return m
}

// restart replaces the table by one made from the image. Time begins at 0 again, and tokens at the
// next hundred.
func (st *stage) restart(m *savedImage, grace int64) {
	largest := codec.Token(0)
	for i := range Shards {
		largest = max(largest, st.table.ShardAt(i).Counter())
	}
	config := st.table.config
	config.TokenStart = st.start + (largest-st.start+100)/100*100
	st.table = New(config)
	st.now, st.events, st.froms, st.kinds = 0, nil, nil, nil
	for i := range Shards {
		err := st.table.ShardAt(i).Import(&m.shards[i], Recovery{Grace: grace, ImageTime: m.time})
		st.check(err)
	}
}
