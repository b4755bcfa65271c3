package history

import (
	"encoding/json"
	"fmt"
)

// origin is what a log remembers of the log that was moved into it: without it the log began by itself.
//
// A message that was moved keeps its id, and the seq in that is not its seq. But in every log the seqs in the ids of its own messages
// grow as its seqs do, whatever its clock did; they fall only where a log that was itself moved goes on by itself. So the moved
// messages are a few runs, one for each log that they were born in at most, and a message is found in its run by halving.
type origin struct {
	Epoch string   `json:"epoch"`          // of the log that is moved
	Runs  []uint64 `json:"runs,omitempty"` // the seqs that the runs begin at, or seqs in front of them that nothing has
	End   uint64   `json:"end,omitempty"`  // the last seq of the last run; 0: not known yet
	Done  bool     `json:"done,omitempty"` // everything is here
}

// encode is the inverse of decodeOrigin.
func (o origin) encode() []byte {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err) // there is nothing in it that could not be encoded
	}
	return text
}

// decodeOrigin gives nil for no text.
func decodeOrigin(text []byte) (*origin, error) {
	if len(text) == 0 {
		return nil, nil
	}
	o := new(origin)
	if err := json.Unmarshal(text, o); err != nil {
		return nil, fmt.Errorf("%w: %w", errRecord, err)
	}
	return o, nil
}

// check is why a log cannot be opened but by a move; o may be nil.
func (o *origin) check() error {
	if o == nil || o.Done {
		return nil
	}
	return fmt.Errorf("%w: finish it with \"throng log move\", or remove what there is", ErrUnfinished)
}

// find finds a message that was moved. next gives the first message of the log from a seq on. o may be nil.
func (o *origin) find(mid string, next func(from uint64) (Message, bool, error)) (Message, bool, error) {
	want, ok := midSeqOf(mid)
	if o == nil || !ok {
		return Message{}, false, nil
	}
	for i, low := range o.Runs {
		end := o.End + 1
		if i+1 < len(o.Runs) {
			end = o.Runs[i+1]
		}
		for high := end; low < high; {
			middle := low + (high-low)/2
			m, found, err := next(middle)
			if err != nil || found && m.Mid == mid {
				return m, err == nil, err
			}
			has, _ := midSeqOf(m.Mid)
			if !found || m.Seq >= end || has >= want {
				high = middle
			} else {
				low = m.Seq + 1
			}
		}
	}
	return Message{}, false, nil
}
