package journal

import (
	"encoding/binary"

	"golang.org/x/mod/sumdb/tlog"
)

// Hash is a SHA-256 hash of a leaf or of a node of the tree.
type Hash = tlog.Hash

// leafFormat is the first field of every leaf. It changes when the columns do,
// so that no leaf of one format can be read as one of another.
const leafFormat = "skift/event/1"

// AppendLeaf appends to b the bytes of e that are hashed: every column, each
// preceded by its length (four bytes, big endian), so that no two different
// events have the same leaf. e is taken as it is; see [Event.Normal].
func AppendLeaf(b []byte, e Event) []byte {
	b = appendField(b, leafFormat)
	b = appendInt(b, e.Seq)
	b = appendInt(b, e.At.UnixMicro())
	for _, f := range e.texts() {
		b = appendField(b, *f)
	}
	return appendField(b, string(e.Body))
}

// LeafHash is the hash under which e stands in the tree.
func LeafHash(e Event) Hash {
	return tlog.RecordHash(AppendLeaf(make([]byte, 0, 256+len(e.Body)), e))
}

func appendField(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

func appendInt(b []byte, n int64) []byte {
	b = binary.BigEndian.AppendUint32(b, 8)
	return binary.BigEndian.AppendUint64(b, uint64(n))
}
