package report

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The bounds of every histogram: microseconds from 1 to [Longest], each value to three digits. Below 2 ms a count is
// one microsecond wide and above that at most a thousandth of the value. Such a histogram takes 168 KiB, whatever it
// holds.
const (
	tick    = time.Microsecond
	digits  = 3
	Longest = 10 * time.Minute // what took longer counts as this
)

// curvePoints is how many points a [Latency.Curve] has at most.
const curvePoints = 60

// NewHistogram makes an empty histogram with the bounds that all histograms of a run share, so that any two of them
// can be merged without loss (h.Merge). It belongs to one goroutine.
func NewHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(Longest/tick), digits)
}

// Record counts one latency. A negative one, which clocks that differ can make, counts as 0, and one above [Longest]
// as that.
func Record(h *hdrhistogram.Histogram, d time.Duration) {
	// Within the bounds, only a total beyond 63 bits could be refused.
	_ = h.RecordValue(int64(min(max(d, 0), Longest) / tick))
}

// LatencyOf reads the figures from a histogram of [NewHistogram], and its curve. All are 0 without samples.
func LatencyOf(h *hdrhistogram.Histogram) Latency {
	n := h.TotalCount()
	if n == 0 {
		return Latency{}
	}
	// In percent, and up to the last sample: evenly on the axis log(1/(1-q)), on which every further nine takes the same
	// room.
	at := []float64{50, 90, 95, 99, 99.9, 99.99, 100}
	named := len(at)
	points := min(n, curvePoints-1)
	for i := range points {
		at = append(at, 100*(1-math.Pow(float64(n), -float64(i)/float64(points))))
	}
	v := h.ValueAtPercentilesSlice(at)
	l := Latency{
		Count: n, Mean: inSeconds(h.Mean()),
		P50: ofTicks(v[0]), P90: ofTicks(v[1]), P95: ofTicks(v[2]), P99: ofTicks(v[3]),
		P999: ofTicks(v[4]), P9999: ofTicks(v[5]), Max: ofTicks(v[6]),
	}
	for i := named; i < len(at); i++ {
		l.Curve = append(l.Curve, [2]float64{at[i] / 100, ofTicks(v[i])})
	}
	l.Curve = append(l.Curve, [2]float64{1, l.Max})
	return l
}

func ofTicks(ticks int64) float64 { return inSeconds(float64(ticks)) }

func inSeconds(ticks float64) float64 { return ticks / float64(time.Second/tick) }

// wireVersion is the first byte of the wire form.
const wireVersion = 1

// errWire is what [Decode] says of bytes that [Encode] did not make.
var errWire = errors.New("not a histogram of this version")

// Encode writes a histogram of [NewHistogram] for another process: the version, and then for each count that is not 0
// two numbers as uvarints, how many zero counts stand before it and the count. A second's worth of latencies takes a
// few hundred bytes, and no histogram more than [MostEncoded].
func Encode(h *hdrhistogram.Histogram) []byte {
	out := []byte{wireVersion}
	zeros := uint64(0)
	for _, n := range h.Export().Counts {
		if n == 0 {
			zeros++
			continue
		}
		out = binary.AppendUvarint(out, zeros)
		out = binary.AppendUvarint(out, uint64(n))
		zeros = 0
	}
	return out
}

// MostEncoded is the longest that [Encode] can write, in bytes: 21,504 counts, one byte for no zeros before each and
// nine for the largest count.
const MostEncoded = 1 + 21504*(1+9)

// Decode reads what [Encode] wrote. It takes the memory of one histogram at most, whatever the bytes are, and keeps
// none of them.
func Decode(wire []byte) (*hdrhistogram.Histogram, error) {
	if len(wire) == 0 || wire[0] != wireVersion {
		return nil, errWire
	}
	shot := NewHistogram().Export()
	for at, rest := uint64(0), wire[1:]; len(rest) > 0; at++ {
		zeros, used := binary.Uvarint(rest)
		if used <= 0 || zeros >= uint64(len(shot.Counts))-at {
			return nil, errWire
		}
		at, rest = at+zeros, rest[used:]
		n, used := binary.Uvarint(rest)
		if used <= 0 || n == 0 || n > math.MaxInt64 {
			return nil, errWire
		}
		shot.Counts[at], rest = int64(n), rest[used:]
	}
	if err := shot.Validate(); err != nil { // that the counts add up to 63 bits
		return nil, fmt.Errorf("histogram: %w", err)
	}
	return hdrhistogram.Import(shot), nil
}
