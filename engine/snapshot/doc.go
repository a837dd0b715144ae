// Package snapshot owns the files of a data directory: the images of the lock table, the file
// START, and the lock file that keeps a second process out.
//
// # Directory
//
//	LOCK                                  held by the process that uses the directory; its pid
//	START                                 what the last start has promised, see Start
//	image-<start>-<number>.dlm            images, the newest with the largest pair of numbers
//	image-<start>-<number>.dlm.damaged    set aside by a start with --recover older
//	image-<start>-<number>.dlm.partial    one that is being written; removed by the next start
//
// Dir.Check looks at the lock file before anything is written, removed or renamed in the directory.
// So it finds a directory that was removed or replaced while in use.
//
// Every file is written under another name, forced to disk, and renamed. Then the directory is
// forced to disk. So a name is that of a whole file, or does not exist.
//
// If the newest image equals the table, no new one is written, and the file's time is set instead.
// That time says when the table was last known to equal the image.
//
// # Image, format version 7
//
// All numbers are little-endian. The header has 12 KiB. Sections begin at multiples of 4 KiB, in
// the order of their shards, each directly after the one before. The bytes between them are zero. A
// shard without holds and requests has no section. Images of versions 5 and 6 can be read, unless a
// name has more than 64 bytes, because its shard was another. Version 5 has no requests.
//
//	       0  +--------------------------------------+
//	          | header                       12,288  |
//	  12,288  +--------------------------------------+
//	          | section of the first shard that      |
//	          | has holds or requests: their         |
//	          | records, then strings                |
//	          +--------------------------------------+  next multiple of 4,096
//	          | section of the next ...              |
//	          +--------------------------------------+  length of the file, a multiple of 4,096
//
//	header
//	       0   8  magic "DLMIMAGE"
//	       8   4  format version
//	      12   4  length of the header
//	      16  16  lineage: names the table since its first start, through promotions too
//	      32   8  start number
//	      40   8  image number, counted from 1 by every start
//	      48   8  seed of the hash that maps names to shards; secret
//	      56   8  table time when the image was begun, ns
//	      64   8  wall time when the image was begun, Unix ns; for people only
//	      72   8  token start: every token of this start is larger
//	      80   8  token ceiling: no token given before the image is larger
//	      88   4  longest TTL that a hold can have, ms
//	      92   4  flags: 1 written during a recovery grace
//	      96   8  number of records of holds
//	     104   8  length of the file
//	     112  16  zero
//	     128      256 entries of 40, one per shard
//	  10,368      256 numbers of 4: the records of requests of each shard
//	  11,392      zero
//	  12,284   4  CRC32C of all before
//
//	entry
//	       0   8  offset of the section, 0: none
//	       8   8  length of the section, without its padding
//	      16   8  last token given in the shard
//	      24   8  claim floor
//	      32   4  number of records of holds
//	      36   4  CRC32C of the section
//
// The seed is secret because a client that knows it could choose names that share one shard.
//
// A section is the Records, the Requests and the Strings of a codec.ShardImage. So a mapped file is
// ready for use after one pass of checks; nothing is parsed.
//
// Every byte is covered by a check. A file that was cut, extended or changed anywhere is refused
// with the offset, and never read as another state. Within a version nothing changes.
package snapshot
