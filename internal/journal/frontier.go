package journal

import (
	"crypto/sha256"
	"fmt"
	"math/bits"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// Frontier is all that is kept of the tree in order to append to it: the roots
// of the complete subtrees that its size is made of, largest first, one for
// each bit set in the size. The zero value is the empty tree.
type Frontier struct {
	size   int64
	hashes []Hash
}

// ParseFrontier reads what [Frontier.Bytes] wrote for a tree of the given size.
func ParseFrontier(size int64, b []byte) (Frontier, error) {
	if size < 0 {
		return Frontier{}, fmt.Errorf("a journal cannot have %d events", size)
	}
	if want := bits.OnesCount64(uint64(size)) * tlog.HashSize; len(b) != want {
		return Frontier{}, fmt.Errorf("the frontier of %d events must have %d bytes, not %d", size, want, len(b))
	}
	f := Frontier{size: size}
	for chunk := range slices.Chunk(b, tlog.HashSize) {
		f.hashes = append(f.hashes, Hash(chunk))
	}
	return f, nil
}

// Append adds the leaf of the next event.
func (f *Frontier) Append(leaf Hash) {
	// A trailing one bit of the old size is a complete subtree on the left of
	// the new leaf, as tall as what has been joined so far.
	for range bits.TrailingZeros64(^uint64(f.size)) {
		last := len(f.hashes) - 1
		leaf = tlog.NodeHash(f.hashes[last], leaf)
		f.hashes = f.hashes[:last]
	}
	f.hashes = append(f.hashes, leaf)
	f.size++
}

// Size is the number of leaves.
func (f Frontier) Size() int64 { return f.size }

// Root is the hash of the whole tree, as RFC 6962 defines it.
func (f Frontier) Root() Hash {
	if len(f.hashes) == 0 {
		return sha256.Sum256(nil)
	}
	last := len(f.hashes) - 1
	root := f.hashes[last]
	for _, left := range slices.Backward(f.hashes[:last]) {
		root = tlog.NodeHash(left, root)
	}
	return root
}

// Bytes is the form a database keeps beside the size.
func (f Frontier) Bytes() []byte {
	b := make([]byte, 0, len(f.hashes)*tlog.HashSize)
	for _, h := range f.hashes {
		b = append(b, h[:]...)
	}
	return b
}

// Clone returns a copy that can be appended to without changing f.
func (f Frontier) Clone() Frontier {
	f.hashes = slices.Clone(f.hashes)
	return f
}

// Head is the head of the tree as the journal of plan.
func (f Frontier) Head(plan string) Head {
	return Head{Plan: plan, Size: f.size, Root: f.Root()}
}

// differs returns the first and last event of the first complete subtree in
// which two trees of the same size differ, so that a change is at least
// narrowed down when no single leaf gives it away.
func (f Frontier) differs(g Frontier) (first, last int64, ok bool) {
	rest := uint64(f.size)
	for i := range f.hashes {
		width := int64(1) << (bits.Len64(rest) - 1)
		if f.hashes[i] != g.hashes[i] {
			return first + 1, first + width, true
		}
		first += width
		rest -= uint64(width)
	}
	return 0, 0, false
}
