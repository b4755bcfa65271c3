package report

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestLatencyOf(t *testing.T) {
	h := NewHistogram()
	if got := LatencyOf(h); got.Count != 0 || got.Curve != nil || got.Max != 0 {
		t.Errorf("of nothing: %+v", got)
	}
	for ms := 1; ms <= 10000; ms++ {
		Record(h, time.Duration(ms)*time.Millisecond)
	}
	l := LatencyOf(h)
	if l.Count != 10000 {
		t.Errorf("count %d", l.Count)
	}
	for name, pair := range map[string][2]float64{
		"mean": {l.Mean, 5.0005}, "p50": {l.P50, 5}, "p90": {l.P90, 9}, "p95": {l.P95, 9.5}, "p99": {l.P99, 9.9},
		"p99.9": {l.P999, 9.99}, "p99.99": {l.P9999, 9.999}, "max": {l.Max, 10},
	} {
		if math.Abs(pair[0]/pair[1]-1) > .001 {
			t.Errorf("%s is %v, want %v within a thousandth", name, pair[0], pair[1])
		}
	}
	checkCurve(t, &l)
	if len(l.Curve) != curvePoints {
		t.Errorf("%d points", len(l.Curve))
	}
}

func checkCurve(t *testing.T, l *Latency) {
	t.Helper()
	for i := 1; i < len(l.Curve); i++ {
		if l.Curve[i][0] <= l.Curve[i-1][0] || l.Curve[i][1] < l.Curve[i-1][1] {
			t.Errorf("the curve falls at %d: %v, %v", i, l.Curve[i-1], l.Curve[i])
		}
	}
	if last := l.Curve[len(l.Curve)-1]; last != [2]float64{1, l.Max} {
		t.Errorf("the curve ends at %v", last)
	}
}

func TestLatencyOfFewSamples(t *testing.T) {
	for n := 1; n < 130; n++ {
		h := NewHistogram()
		for i := range n {
			Record(h, time.Duration(i+1)*time.Millisecond)
		}
		l := LatencyOf(h)
		checkCurve(t, &l)
	}
}

func TestRecordKeepsToTheBounds(t *testing.T) {
	h := NewHistogram()
	Record(h, -time.Hour)
	Record(h, 0)
	Record(h, 1000*time.Hour)
	Record(h, math.MaxInt64)
	l := LatencyOf(h)
	if l.Count != 4 || l.P50 != 0 || math.Abs(l.Max/600-1) > .001 {
		t.Errorf("%+v", l)
	}
}

func TestEncodeMerges(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	whole, merged := NewHistogram(), NewHistogram()
	for range 5 {
		part := NewHistogram()
		for range 10000 {
			d := time.Duration(math.Exp(rng.NormFloat64()*3) * 1e6)
			Record(part, d)
			Record(whole, d)
		}
		got, err := Decode(Encode(part))
		if err != nil || !got.Equals(part) {
			t.Fatalf("came back different, %v", err)
		}
		if dropped := merged.Merge(got); dropped != 0 {
			t.Fatalf("%d dropped", dropped)
		}
	}
	if !merged.Equals(whole) {
		t.Error("the merged histogram differs from the one that saw all")
	}
	if got, err := Decode(Encode(NewHistogram())); err != nil || got.TotalCount() != 0 {
		t.Errorf("empty: %v", err)
	}
}

func TestEncodedIsBounded(t *testing.T) {
	shot := NewHistogram().Export()
	if n := len(shot.Counts); MostEncoded != 1+n*10 {
		t.Errorf("%d counts, but MostEncoded is %d", n, MostEncoded)
	}
	if v := binary.AppendUvarint(nil, math.MaxInt64); len(v) != 9 {
		t.Errorf("the largest count takes %d bytes", len(v))
	}
}

func TestDecodeRefuses(t *testing.T) {
	big := binary.AppendUvarint(nil, math.MaxInt64)
	huge := binary.AppendUvarint(nil, math.MaxUint64)
	far := binary.AppendUvarint(nil, 21504)
	for name, wire := range map[string][]byte{
		"nothing": {}, "another version": {2}, "no count": {1, 5}, "a zero count": {1, 0, 0}, "a cut number": {1, 0x80},
		"too far":       append(append([]byte{1}, far...), 1),
		"too far by 64": append(append([]byte{1, 0, 1}, huge...), 1),
		"negative":      append([]byte{1, 0}, huge...),
		"overflow":      append(append(append([]byte{1, 0}, big...), 0), 1),
	} {
		if _, err := Decode(wire); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	h := NewHistogram()
	f.Add(Encode(h))
	for i := range 100 {
		Record(h, time.Duration(i*i)*time.Millisecond)
	}
	f.Add(Encode(h))
	f.Add([]byte{1, 0, 0})
	f.Fuzz(func(t *testing.T, wire []byte) {
		h, err := Decode(wire)
		if err != nil {
			return
		}
		again := Encode(h)
		if len(again) > len(wire) || len(again) > MostEncoded {
			t.Errorf("%d bytes became %d", len(wire), len(again))
		}
		if other, err := Decode(again); err != nil || !other.Equals(h) || !bytes.Equal(Encode(other), again) {
			t.Errorf("does not come back: %v", err)
		}
		l := LatencyOf(h)
		if math.IsNaN(l.Mean) || l.Max < l.P50 {
			t.Errorf("%+v", l)
		}
	})
}
