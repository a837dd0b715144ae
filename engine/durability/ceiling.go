package durability

import (
	"fmt"
	"time"

	"dlm/codec"
)

// tokenLookEvery is how often the imager looks whether START must be written again. It must when
// half of the reserve is used, which takes 107 s at least.
const tokenLookEvery = 10 * time.Second

// extendTokens renews the durable ceiling of tokens long before it is reached.
func (m *imager) extendTokens() error {
	largest := codec.Token(0)
	for shard := range m.of.Table.Locked() {
		largest = max(largest, shard.Counter())
	}
	m.looked = time.Now()
	next := m.of.Start
	if next.TokenCeiling-largest > TokenReserve/2 || next.TokenCeiling > codec.TokenMax-TokenReserve {
		return nil
	}
	next.TokenCeiling += TokenReserve
	if err := m.of.dir.WriteStart(&next); err != nil {
		return fmt.Errorf("START: %w", err)
	}
	m.of.Start.TokenCeiling = next.TokenCeiling // the rest is read by others
	m.of.Table.SetTokenCeiling(next.TokenCeiling)
	return nil
}

// keepTokens is extendTokens where an image is far away, or takes long.
func (m *imager) keepTokens() {
	if time.Since(m.looked) < tokenLookEvery {
		return
	}
	if err := m.extendTokens(); err != nil {
		m.s.cfg.Log.Error("the ceiling of fencing tokens can't be raised; no lock is granted once it is reached", "event", "token-ceiling-stuck", "error", err.Error())
	}
}
