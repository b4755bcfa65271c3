package server

import (
	"context"
	"net/url"
	"slices"
	"sync"
	"time"

	"throng/deploy/config"
	"throng/room"
	"throng/room/cluster"
	"throng/room/history"
	"throng/room/webhook"
)

const (
	// hookKey is what the node of a cluster holds that posts the events. No nick has such a key.
	hookKey = "\x00hooks"
	// hookTurn is how often the others ask for it, and hookWatch how often the holder looks whether it still is.
	hookTurn  = 2 * time.Second
	hookWatch = 500 * time.Millisecond
	hookWait  = 5 * time.Second
)

// hooks is the server's webhook. A nil *hooks is none. Its methods are called by who starts and stops the server.
type hooks struct {
	*webhook.Dispatcher
	source *hookSource
	about  Options
	host   string // of the endpoint, which is all that is logged of its URL
	stop   context.CancelFunc
	done   sync.WaitGroup
}

// newHooks makes the webhook of the settings.
func newHooks(settings config.Serve, s *Server) *hooks {
	if settings.WebhookURL == "" {
		return nil
	}
	h := &hooks{source: &hookSource{types: settings.WebhookEvents}, about: s.options, stop: func() {}}
	if u, err := url.Parse(settings.WebhookURL); err == nil {
		h.host = u.Scheme + "://" + u.Host
	}
	h.Dispatcher = webhook.New(webhook.Config{
		Source: h.source, URL: settings.WebhookURL, Secrets: settings.WebhookSecret, Timeout: settings.WebhookTimeout, Keep: settings.WebhookKeep,
		Agent: "throng/" + s.options.Version, Logger: s.options.Log, Metrics: s.stats,
	})
	return h
}

// kept is what the room is to keep in the log for the webhook.
func (h *hooks) kept() room.Hooks {
	if h == nil {
		return room.Hooks{}
	}
	tells := func(kind string) bool { return slices.Contains(h.source.types, kind) }
	return room.Hooks{
		IsOn: true, Messages: tells(room.HappenedMessage), Connects: tells(room.HappenedConnect), Disconnects: tells(room.HappenedDisconnect),
	}
}

// spare has retention leave what was not accepted yet.
func (h *hooks) spare(c *history.Config) {
	if h != nil {
		c.Floor, c.Brief = h.Cursor, room.HookConv
	}
}

// begin has the events be posted, in a cluster by one node at a time.
func (h *hooks) begin(log history.Log, nodes *cluster.Cluster) {
	if h == nil {
		return
	}
	h.source.log = log
	ctx, stop := context.WithCancel(context.Background())
	h.stop = stop
	h.done.Go(func() {
		if nodes == nil {
			h.Dispatch(ctx)
			return
		}
		for ctx.Err() == nil {
			h.take(ctx, nodes)
		}
	})
}

// take posts events for as long as it is this node's turn, or waits a little for it.
func (h *hooks) take(ctx context.Context, nodes *cluster.Cluster) {
	if holdsHooks(ctx, nodes) {
		h.about.Log.Info("webhook: this node posts the events", "endpoint", h.host)
		turn, end := context.WithCancel(ctx)
		h.done.Go(func() {
			defer end()
			for sleep(turn, hookWatch) && holdsHooks(turn, nodes) {
			}
		})
		h.Dispatch(turn)
		end()
	} else if err := h.Look(); err != nil && ctx.Err() == nil {
		h.about.Log.Debug("webhook: how far the events are posted cannot be read", "err", err)
	}
	sleep(ctx, hookTurn)
}

// holdsHooks tries to have the turn, or to keep it.
func holdsHooks(ctx context.Context, nodes *cluster.Cluster) bool {
	ctx, cancel := context.WithTimeout(ctx, hookWait)
	defer cancel()
	holder, err := nodes.Hold(ctx, hookKey)
	return holder == "" && err == nil
}

// sleep waits, and is false when ctx has ended.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// settle waits until it is stored that those are gone whose connections have been closed.
func (h *hooks) settle(ctx context.Context, hub *room.Hub) error {
	if h == nil {
		return nil
	}
	return hub.Settle(ctx)
}

// end gives up what is being posted. What was not accepted waits in the log.
func (h *hooks) end() {
	if h != nil {
		h.stop()
		h.done.Wait()
	}
}

// hookSource reads events from the log.
type hookSource struct {
	log   history.Log
	types []string
}

func (s *hookSource) Scan(after uint64, limit int) (events []webhook.Event, next uint64, err error) {
	msgs, next, err := s.log.Scan(after, limit)
	for i := range msgs {
		m := &msgs[i]
		if is, ok := room.Happened(m); ok && slices.Contains(s.types, is.Type) {
			events = append(events, webhook.Event{Seq: m.Seq, ID: m.Mid, User: is.User, Type: is.Type, Ts: m.Ts, Data: is.Data})
		}
	}
	return events, next, err
}

func (s *hookSource) End() (uint64, error) {
	_, end, err := s.log.Scan(0, 0)
	return end, err
}

func (s *hookSource) Cursor() (uint64, error) {
	marks, err := s.log.Marks(room.HookClaim, room.HookConv)
	if err != nil || marks.Sent > 0 {
		return marks.Sent, err
	}
	return room.HookBegin(s.log)
}

func (s *hookSource) Save(cursor uint64) {
	s.log.Mark(room.HookClaim, room.HookConv, history.Marks{Sent: cursor})
}
