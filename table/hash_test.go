package table

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
)

// TestShardsAreForEver checks the shards of some names, because images rely on them.
func TestShardsAreForEver(t *testing.T) {
	const seed = 0x1122334455667788
	tab := New(Config{Seed: seed})
	for _, c := range []struct {
		name  string
		shard uint8
	}{
		{"a", 0x35}, {"ab", 0x7c}, {"abc", 0x4b}, {"abcd", 0xa5}, {"abcdefg", 0xc8}, {"abcdefgh", 0x4f},
		{"abcdefghi", 0xb5}, {"lock:00000000000042", 0xac}, {"\x00", 0x96}, {"\x00\x00", 0x74},
		{strings.Repeat("n", 32), 0x96}, {strings.Repeat("n", 33), 0x96}, {strings.Repeat("name", 16), 0xe7}, {strings.Repeat("n", 65), 0xa9}, {strings.Repeat("n", 1024), 0xf5},
	} {
		if s := tab.Shard(tab.Hash([]byte(c.name))); s.number != c.shard {
			t.Errorf("%.40q is of shard %#x, want %#x", c.name, s.number, c.shard)
		}
	}
}

// TestHashDependsOnEveryBit flips each bit of random names of all lengths. About half of the bits
// of the hash change, both in the shard and in the part that the index uses.
func TestHashDependsOnEveryBit(t *testing.T) {
	const rounds = 300
	tab, rng := New(Config{}), rand.New(rand.NewPCG(1, 2))
	for n := 1; n <= 132; n += 1 + n/33*5 {
		for bit := range 8 * n {
			shard, tag := 0, 0
			for range rounds {
				tab.setKeys(rng.Uint64())
				name := make([]byte, n)
				for i := range name {
					name[i] = byte(rng.Uint32())
				}
				was := tab.Hash(name)
				name[bit/8] ^= 1 << (bit % 8)
				changed := was ^ tab.Hash(name)
				shard += bits.OnesCount64(changed >> 56)
				tag += bits.OnesCount32(uint32(changed))
			}
			// The standard deviation of the mean is 0.082 and 0.163 bits if all bits are random.
			if got := float64(shard) / rounds; got < 3.4 || got > 4.6 {
				t.Errorf("%d bytes, bit %d: %.2f bits of the shard change", n, bit, got)
			}
			if got := float64(tag) / rounds; got < 14.8 || got > 17.2 {
				t.Errorf("%d bytes, bit %d: %.2f bits of the tag change", n, bit, got)
			}
		}
	}
}

// TestHashSpreadsNames counts how many names, as people choose them, share shards and places of an
// index.
func TestHashSpreadsNames(t *testing.T) {
	const names, places = 1 << 16, 1 << 12
	for _, form := range []string{"%d", "%08x", "lock:%015d", "orders/%d/payment", "tenant-7/region-eu-west/job-%06d", "%026d-users"} {
		tab := New(Config{Seed: rand.Uint64()})
		seen, shards, slots := map[uint64]bool{}, [Shards]int{}, [places]int{}
		for i := range names {
			hash := tab.Hash(fmt.Appendf(nil, form, i))
			if seen[hash] {
				t.Errorf("%q: two names have the hash %x", form, hash)
			}
			seen[hash] = true
			shards[hash>>56]++
			slots[hash%places]++
		}
		// Chi squared is near the number of places, its standard deviation the root of twice that.
		if chi := chiSquared(shards[:], names); chi > 256+8*23 {
			t.Errorf("%q: shards are not used alike: chi squared %.0f", form, chi)
		}
		if chi := chiSquared(slots[:], names); chi > places+8*91 {
			t.Errorf("%q: places of an index are not used alike: chi squared %.0f", form, chi)
		}
	}
}

// TestCollisionsOfKnownHashDoNotCollide makes names that have one hash in xxhash, which has no key.
// They must be spread over shards and places like any others.
func TestCollisionsOfKnownHashDoNotCollide(t *testing.T) {
	const names = 1 << 12
	tab, rng := New(Config{Seed: rand.Uint64()}), rand.New(rand.NewPCG(1, 2))
	same, seen, shards := xxhash.Sum64(collision(0)), map[uint64]bool{}, [Shards]int{}
	for range names {
		name := collision(rng.Uint64())
		if xxhash.Sum64(name) != same {
			t.Fatal("BUG: the name has another hash in xxhash")
		}
		hash := tab.Hash(name)
		if seen[hash] {
			t.Fatalf("two names have the hash %x", hash)
		}
		seen[hash] = true
		shards[hash>>56]++
	}
	if chi := chiSquared(shards[:], names); chi > 256+8*23 {
		t.Errorf("shards are not used alike: chi squared %.0f", chi)
	}
}

// collision returns a name of 72 bytes whose xxhash does not depend on x. In each stripe of 32
// bytes a lane is multiplied and rotated. The second stripe undoes what x in the first one has
// changed.
func collision(x uint64) []byte {
	p1, p2 := uint64(11400714785074694791), uint64(14029467366897019727) // of xxhash
	lane := func(x uint64) uint64 { return bits.RotateLeft64(p1+p2+x*p2, 31) * p1 }
	inverse := p2 // modulo 2^64: each step doubles the bits that are right
	for range 6 {
		inverse *= 2 - p2*inverse
	}
	name := make([]byte, 72)
	binary.LittleEndian.PutUint64(name, x)
	binary.LittleEndian.PutUint64(name[32:], (lane(0)-lane(x))*inverse)
	return name
}

func chiSquared(counts []int, all int) (sum float64) {
	want := float64(all) / float64(len(counts))
	for _, n := range counts {
		sum += (float64(n) - want) * (float64(n) - want) / want
	}
	return sum
}
