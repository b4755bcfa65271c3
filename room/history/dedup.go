package history

import (
	"hash/maphash"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// dedup knows under which (Claim, Cid) a message was stored. The truth is on disk, in buckets of time as wide as the
// window: this one and the one before are asked, so that everything is known for at least one width, and what is
// older goes as a whole. Sieves (Bloom filters) in memory spare most questions to the disk; those of buckets that an earlier process has
// begun are not whole and spare none.
//
// The committer alone uses it.
type dedup struct {
	width time.Duration
	now   func() time.Time
	start time.Time // when base was
	base  time.Duration

	seed    maphash.Seed
	bucket  uint32
	current generation
	before  generation
	cleaned uint32 // buckets below it are empty
}

// generation is what is known of a bucket.
type generation struct {
	whole bool // everything that is in the bucket is in the sieve
	sieve sieve
}

// dedupID is what must not come twice.
type dedupID struct {
	claim uint64
	cid   string
}

func newDedup(r pebble.Reader, width time.Duration, now func() time.Time) (*dedup, error) {
	d := &dedup{width: width, now: now, start: now(), seed: maphash.MakeSeed()}
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: []byte{keyDedup}, UpperBound: []byte{keyDedup + 1}})
	if err != nil {
		return nil, err
	}
	var newest uint32
	if it.Last() && len(it.Key()) >= 5 {
		newest = bucketOf(it.Key())
	}
	// A clock that was set back must not bring back a bucket of the past.
	d.base = max(time.Duration(d.start.UnixNano()), time.Duration(newest)*width)
	d.bucket = uint32(d.base / width)
	d.current.whole = newest < d.bucket
	d.before.whole = d.current.whole && (d.bucket == 0 || !it.SeekGE(dedupBucketKey(d.bucket-1)))
	return d, it.Close()
}

func bucketOf(key []byte) uint32 {
	return uint32(key[1])<<24 | uint32(key[2])<<16 | uint32(key[3])<<8 | uint32(key[4])
}

// turn moves on to the bucket of the present. It is called before a batch, not within one. Steps of the clock are not
// seen: time.Time measures what has passed since the start without it.
func (d *dedup) turn() {
	bucket := uint32((d.base + d.now().Sub(d.start)) / d.width)
	switch {
	case bucket <= d.bucket:
		return
	case bucket == d.bucket+1:
		d.before = d.current
	default:
		d.before = generation{whole: true}
	}
	d.bucket, d.current = bucket, generation{whole: true}
}

func (d *dedup) hash(id dedupID) uint64 { return maphash.Comparable(d.seed, id) }

// find gives what is remembered of the message that was stored with id.
func (d *dedup) find(r pebble.Reader, key []byte, id dedupID) (f first, found bool, err error) {
	h := d.hash(id)
	for i, g := range [...]*generation{&d.current, &d.before} {
		if g.whole && !g.sieve.has(h) {
			continue
		}
		key = dedupKey(key[:0], d.bucket-uint32(i), id.claim, id.cid)
		found, err = get(r, key, func(v []byte) (err error) {
			f, err = decodeFirst(v)
			return err
		})
		if found || err != nil {
			return f, found, err
		}
	}
	return first{}, false, nil
}

// add takes note that id is being stored in the present bucket.
func (d *dedup) add(id dedupID) { d.current.sieve.add(d.hash(id)) }

// clean removes the buckets that are asked for no more.
func (d *dedup) clean(s *store) error {
	d.turn()
	if d.bucket < 2 || d.cleaned == d.bucket-1 {
		return nil
	}
	b := s.db.NewBatch()
	defer release(b)
	if err := b.DeleteRange([]byte{keyDedup}, dedupBucketKey(d.bucket-1), nil); err != nil {
		return err
	}
	if err := s.commit(b, false); err != nil {
		return err
	}
	d.cleaned = d.bucket - 1
	return nil
}
