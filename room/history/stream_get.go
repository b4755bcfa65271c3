package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// query is what JetStream is asked for messages with: one by Seq, the newest of a subject, or several.
type query struct {
	Seq      uint64   `json:"seq,omitempty"`          // that one; with Next or Newest: none before it
	Last     string   `json:"last_by_subj,omitempty"` // the newest with that subject
	Next     string   `json:"next_by_subj,omitempty"` // the next Batch with that subject
	Batch    int      `json:"batch,omitempty"`
	NewestOf []string `json:"multi_last,omitempty"` // the newest of each subject
	UpTo     uint64   `json:"up_to_seq,omitempty"`  // NewestOf: none behind it
}

// errTooMany is the answer to a question for the newest of more subjects than JetStream answers for.
var errTooMany = errors.New("nats: too many subjects")

// maxNewest is how many subjects JetStream answers for at once.
const maxNewest = 1000

// item is a message as JetStream has it.
type item struct {
	path string // its subject without the source's prefix
	seq  uint64
	data []byte
}

// source reads one JetStream stream. Any goroutine may use it.
type source struct {
	nc     *nats.Conn
	stream string
	prefix string // of its subjects
}

// apiError is what JetStream answers instead.
type apiError struct {
	Code        int    `json:"code"`
	ErrCode     int    `json:"err_code"`
	Description string `json:"description"`
}

func (e *apiError) Error() string { return fmt.Sprintf("nats: %s (%d)", e.Description, e.ErrCode) }

const (
	codeNoMessage   = 10037
	codeNoStream    = 10059
	codeWrongLast   = 10071
	codeWrongLastID = 10070
	codeWriting     = 10164 // another write of the same subject is under way
	codeNoResources = 10023
	codeNoStorage   = 10047
)

// one asks the stream's leader, who knows what was acknowledged last, for one message.
func (o source) one(ctx context.Context, q query) (it item, found bool, err error) {
	text, err := json.Marshal(q)
	if err != nil {
		return item{}, false, err
	}
	m, err := o.nc.RequestWithContext(ctx, apiPrefix+"STREAM.MSG.GET."+o.stream, text)
	if err != nil {
		return item{}, false, err
	}
	var answer struct {
		Error   *apiError `json:"error"`
		Message struct {
			Subject string `json:"subject"`
			Seq     uint64 `json:"seq"`
			Data    []byte `json:"data"`
		} `json:"message"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return item{}, false, err
	}
	if e := answer.Error; e != nil {
		if e.ErrCode == codeNoMessage {
			return item{}, false, nil
		}
		return item{}, false, e
	}
	got := answer.Message
	return item{path: strings.TrimPrefix(got.Subject, o.prefix), seq: got.Seq, data: got.Data}, true, nil
}

// newest asks the leader for the newest message of a path.
func (o source) newest(ctx context.Context, path string) (item, bool, error) {
	return o.one(ctx, query{Last: o.prefix + path})
}

// state is what the leader tells of a stream.
type state struct {
	State struct {
		LastSeq uint64 `json:"last_seq"`
	} `json:"state"`
	Cluster *struct {
		Replicas []struct {
			Offline bool          `json:"offline"`
			Active  time.Duration `json:"active"` // how long ago it was heard
		} `json:"replicas"`
	} `json:"cluster"`
	Error *apiError `json:"error"`
}

func (o source) state(ctx context.Context) (st state, err error) {
	m, err := o.nc.RequestWithContext(ctx, apiPrefix+"STREAM.INFO."+o.stream, nil)
	if err != nil {
		return st, err
	}
	if err := json.Unmarshal(m.Data, &st); err != nil {
		return st, err
	}
	if st.Error != nil {
		return st, st.Error
	}
	return st, nil
}

// page is what a query for several messages gave.
type page struct {
	items   []item
	pending int    // how many more there are
	upTo    uint64 // NewestOf: the highest seq that who answered has, or UpTo
}

// some asks any server that has a copy, which may be a little behind the leader, for at most most messages.
func (o source) some(ctx context.Context, q query, most int) (page, error) {
	text, err := json.Marshal(q)
	if err != nil {
		return page{}, err
	}
	answers := make(chan *nats.Msg, most+2)
	inbox := o.nc.NewInbox()
	sub, err := o.nc.ChanSubscribe(inbox, answers)
	if err != nil {
		return page{}, err
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only with the connection, and then there is none
	if err := o.nc.PublishRequest(apiPrefix+"DIRECT.GET."+o.stream, inbox, text); err != nil {
		return page{}, err
	}
	var p page
	for {
		select {
		case <-ctx.Done():
			return page{}, ctx.Err()
		case m := <-answers:
			switch status := m.Header.Get("Status"); status {
			case "":
				p.items = append(p.items, item{
					path: strings.TrimPrefix(m.Header.Get("Nats-Subject"), o.prefix), seq: number(m, "Nats-Sequence"), data: m.Data,
				})
			case "204": // the end
				p.pending, p.upTo = int(number(m, "Nats-Num-Pending")), number(m, "Nats-UpTo-Sequence")
				return p, nil
			case "404": // nothing
				return page{}, nil
			case "413":
				return page{}, errTooMany
			case "503":
				return page{}, nats.ErrNoResponders
			default:
				return page{}, errors.New("nats: " + status + " " + m.Header.Get("Description"))
			}
		}
	}
}

// number reads a header; 0: there is none.
func number(m *nats.Msg, header string) uint64 {
	n, err := strconv.ParseUint(m.Header.Get(header), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
