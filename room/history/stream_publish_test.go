package history

import "testing"

func TestPlainAck(t *testing.T) {
	for text, want := range map[string]uint64{
		`{"stream":"THRONG_LOG","seq":42}`:                                  42,
		`{"stream":"THRONG_LOG","domain":"hub","seq":7}`:                    7,
		`{"stream":"THRONG_LOG", "seq":7}`:                                  0,
		`{"stream":"THRONG_LOG","seq":42,"duplicate":true}`:                 0,
		`{"stream":"THRONG_LOG","seq":0}`:                                   0,
		`{"stream":"THRONG_LOG","seq":-1}`:                                  0,
		`{"stream":"THRONG_LOG","seq":7} `:                                  0,
		`{"error":{"code":400},"stream":"THRONG_LOG","seq":0}`:              0,
		`{"stream":"THRONG_LOG","seq":42,"batch":"x","count":3}`:            0,
		`{"stream":"THRONG_LOG","seq":18446744073709551616}`:                0,
		`{"stream":"THRONG_LOG","seq":`:                                     0,
		``:                                                                  0,
		`{"type":"x","error":{"code":503,"description":"\",\"seq\":1}"}}`:   0,
		`{"stream":"a","error":{"code":503},"description":"","seq":1,"x":}`: 0,
	} {
		if seq, ok := plainAck([]byte(text)); ok != (want > 0) || ok && seq != want {
			t.Errorf("%s: %d, %v; want %d", text, seq, ok, want)
		}
	}
}
