package snapshot

import (
	"encoding/binary"
	"hash/crc32"
)

// resign makes the checksums fit, so that the checks after them are tested too.
func resign(b []byte) {
	if len(b) < headerLen {
		return
	}
	le := binary.LittleEndian
	for i := range shards {
		p := b[entriesAt+i*entryLen:]
		offset, length := le.Uint64(p), le.Uint64(p[8:])
		if offset <= uint64(len(b)) && length <= uint64(len(b))-offset && length > 0 {
			le.PutUint32(p[36:], crc32.Checksum(b[offset:offset+length], castagnoli))
		}
	}
	le.PutUint32(b[headerCRCAt:], crc32.Checksum(b[:headerCRCAt], castagnoli))
}
