package history

import "math/bits"

const (
	// A sieve begins with so many cells and grows by layers, each so many times the one before, to so many.
	firstCells = 1 << 10 // 64 KiB
	layerTimes = 4
	maxLayers  = 5 // 16 MiB, for 7 million keys; with more it only grows less sure
	// keysPerCell is how full a layer gets: one wrong guess in some 1,000.
	keysPerCell = 28
)

// cell is 512 bits, as much as a processor fetches at once.
type cell [8]uint64

// sieve is a Bloom filter: a set of hashes that knows for sure what is not in it, in bounded memory.
type sieve struct {
	layers [][]cell
	keys   int // in the last layer
}

// has is false if h was never added.
func (b *sieve) has(h uint64) bool {
	for _, layer := range b.layers {
		if layer[spread(h, len(layer))].has(h) {
			return true
		}
	}
	return false
}

func (b *sieve) add(h uint64) {
	n := len(b.layers)
	if n == 0 || b.keys >= len(b.layers[n-1])*keysPerCell && n < maxLayers {
		size := firstCells
		for range n {
			size *= layerTimes
		}
		b.layers, b.keys = append(b.layers, make([]cell, size)), 0
		n++
	}
	last := b.layers[n-1]
	last[spread(h, len(last))].add(h)
	b.keys++
}

// spread picks one of n cells; the bits in it are picked by another mix of h.
func spread(h uint64, n int) uint64 {
	hi, _ := bits.Mul64(h*0x9e3779b97f4a7c15, uint64(n))
	return hi
}

// Six bits of the 512 stand for a key: nine bits of h each.

func (c *cell) has(h uint64) bool {
	for range 6 {
		if c[h>>6&7]>>(h&63)&1 == 0 {
			return false
		}
		h >>= 9
	}
	return true
}

func (c *cell) add(h uint64) {
	for range 6 {
		c[h>>6&7] |= 1 << (h & 63)
		h >>= 9
	}
}
