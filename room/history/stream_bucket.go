package history

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	headerExpected = "Nats-Expected-Last-Subject-Sequence"
	headerMsgID    = "Nats-Msg-Id"
	headerLastSeq  = "Nats-Expected-Last-Sequence"
	headerLastID   = "Nats-Expected-Last-Msg-Id"
)

var errChanged = errors.New("nats: another node has changed it")

// bucket is a KV bucket that is read from its leader: what was written by any node is seen. Any goroutine may use it.
type bucket struct {
	source
	kv   jetstream.KeyValue
	made jetstream.Stream
}

func openBucket(ctx context.Context, js jetstream.JetStream, name string, replicas int) (b bucket, err error) {
	b.source = source{nc: js.Conn(), stream: bucketPrefix + name, prefix: "$KV." + name + "."}
	b.kv, err = js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: name, Storage: jetstream.FileStorage, Replicas: replicas})
	if err != nil {
		return b, err
	}
	b.made, err = js.Stream(ctx, b.stream)
	return b, err
}

// aboutKey is a key that the bucket of directs always has.
const aboutKey = "about"

// put sets a key.
func (b bucket) put(ctx context.Context, key string, value []byte) error {
	_, err := b.send(ctx, nats.NewMsg(b.prefix+key), value)
	return err
}

// swap sets a key if its seq is the one that was read, 0: it was not there. Else it gives errChanged.
func (b bucket) swap(ctx context.Context, key string, value []byte, seq uint64) (uint64, error) {
	m := nats.NewMsg(b.prefix + key)
	m.Header.Set(headerExpected, strconv.FormatUint(seq, 10))
	return b.send(ctx, m, value)
}

func (b bucket) send(ctx context.Context, m *nats.Msg, value []byte) (seq uint64, err error) {
	m.Data = value
	answer, err := b.nc.RequestMsgWithContext(ctx, m)
	if err != nil {
		return 0, err
	}
	var ack struct {
		Seq   uint64    `json:"seq"`
		Error *apiError `json:"error"`
	}
	if err := json.Unmarshal(answer.Data, &ack); err != nil {
		return 0, err
	}
	switch {
	case ack.Error == nil:
		return ack.Seq, nil
	case ack.Error.ErrCode == codeWrongLast, ack.Error.ErrCode == codeWriting:
		return 0, errChanged
	}
	return 0, ack.Error
}

// change sets a key to what f makes of its present value, nil: there is none. An empty value removes the key. f may be called
// several times; ok false leaves everything as it is.
func (b bucket) change(ctx context.Context, key string, f func(old []byte) (value []byte, ok bool, err error)) error {
	_, err := b.changeFrom(ctx, key, nil, f)
	return err
}

// changeFrom is change for who remembers how the key was, nil: it does not. It gives how it is now.
func (b bucket) changeFrom(ctx context.Context, key string, old *item, f func(old []byte) (value []byte, ok bool, err error)) (item, error) {
	for {
		if old == nil {
			it, _, err := b.newest(ctx, key)
			if err != nil {
				return item{}, err
			}
			old = &it
		}
		value, ok, err := f(old.data)
		if !ok || err != nil {
			return *old, err
		}
		seq, err := b.swap(ctx, key, value, old.seq)
		if errors.Is(err, errChanged) {
			if err := pause(ctx, behindPause); err != nil { // or it may be too early to see what it was changed to
				return item{}, err
			}
			old = nil
			continue
		}
		if err == nil && len(value) == 0 { // up to seq only: somebody may have set it again
			err = b.made.Purge(ctx, jetstream.WithPurgeSubject(b.prefix+key), jetstream.WithPurgeSequence(seq+1))
		}
		return item{seq: seq, data: value}, err
	}
}

// drop removes a key, or all that a pattern stands for, without a trace.
func (b bucket) drop(ctx context.Context, key string) error {
	return b.made.Purge(ctx, jetstream.WithPurgeSubject(b.prefix+key))
}
