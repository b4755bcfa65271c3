package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"throng/deploy/config"
	"throng/room"
	"throng/room/event"
	"throng/web/admin"
)

// chat lets the API use the hub without knowing it.
type chat struct {
	hub   *room.Hub
	spans *spans // nil: none are sent
}

// told is an error of the room as the API tells it.
func told(err error) error {
	var bad *event.Error
	if !errors.As(err, &bad) {
		return err
	}
	return &admin.Error{Status: bad.Code, Message: bad.Message, After: bad.RetryAfter}
}

// Publish implements admin.Chat.
func (c chat) Publish(ctx context.Context, d admin.Draft) (admin.Receipt, error) {
	r, err := c.hub.Publish(ctx, room.Draft{From: d.From, To: d.To, Room: d.Room, Cid: d.Cid, Body: d.Body})
	if err != nil {
		return admin.Receipt{}, told(err)
	}
	return admin.Receipt{
		Mid: r.Mid, Conv: r.Conv.String(), Seq: r.Seq, Ts: r.Ts, Dur: r.Durability, IsOnline: r.IsOnline, IsRepeat: r.IsKnown,
	}, nil
}

// Users implements admin.Chat.
func (c chat) Users(ctx context.Context, p admin.Part) (online int, nicks []string, err error) {
	online, nicks = c.hub.Users(ctx, room.Part(p))
	return online, nicks, nil
}

// User implements admin.Chat.
func (c chat) User(ctx context.Context, nick string) (admin.User, error) {
	p, err := c.hub.Profile(ctx, nick)
	if err != nil {
		return admin.User{}, told(err)
	}
	u := admin.User{
		Nick: p.Nick, IsOnline: p.IsOnline, Node: p.Node, Returns: p.Returns, Since: p.Made, Away: p.Away, Count: p.Count,
	}
	for _, s := range p.Sessions {
		u.Sessions = append(u.Sessions, admin.Session(s))
		u.Rooms = append(u.Rooms, s.Rooms...)
	}
	slices.Sort(u.Rooms)
	u.Rooms = slices.Compact(u.Rooms)
	return u, nil
}

// Rooms implements admin.Chat.
func (c chat) Rooms(ctx context.Context, p admin.Part) (count int, rooms []admin.Room, err error) {
	count, all := c.hub.Rooms(ctx, room.Part(p))
	for _, r := range all {
		rooms = append(rooms, admin.Room{Room: r.Room.Name, Count: r.Count})
	}
	return count, rooms, nil
}

// Members implements admin.Chat.
func (c chat) Members(ctx context.Context, name string, p admin.Part) (shown string, count int, nicks []string, err error) {
	shown, count, nicks, err = c.hub.Members(ctx, name, room.Part(p))
	return shown, count, nicks, told(err)
}

// Presence implements admin.Chat.
func (c chat) Presence(ctx context.Context, nicks []string) (map[string]bool, error) {
	there, err := c.hub.Presence(ctx, nicks)
	return there, told(err)
}

// History implements admin.Chat.
func (c chat) History(ctx context.Context, a admin.Ask) (admin.History, error) {
	page, err := c.hub.History(ctx, room.Ask(a))
	if err != nil {
		return admin.History{}, told(err)
	}
	h := admin.History{Conv: page.Conv.String(), Epoch: c.hub.Epoch(), More: page.More}
	for _, m := range page.Msgs {
		said := admin.Message{Mid: m.Mid, Seq: m.Seq, Prev: m.Prev, Ts: m.Ts, From: m.From, To: m.To, Body: m.Message, IsGone: m.IsGone}
		if m.Conv.Kind == event.ConvRoom {
			said.Room = m.Conv.Name
		}
		h.Messages = append(h.Messages, said)
	}
	return h, nil
}

// Message implements admin.Chat.
func (c chat) Message(_ context.Context, mid string) (any, error) {
	state, ok, err := c.hub.State(mid)
	switch {
	case err != nil:
		return nil, told(event.Unavailable("the log cannot be read at present", time.Second))
	case !ok:
		return nil, told(event.NotFound("no such message"))
	}
	return state, nil
}

// Nodes implements admin.Chat.
func (c chat) Nodes(ctx context.Context) (all []admin.Node) {
	for _, v := range c.hub.Nodes(ctx) {
		all = append(all, admin.Node(v))
	}
	return all
}

// newAPI makes what is below /api/.
func (s *Server) newAPI(keys *admin.Keyring) *admin.Server {
	c := admin.Config{
		Chat: chat{s.hub, s.spans}, Stats: process{s, time.Now()}, MaxMessage: s.settings.MaxMessage, Log: s.options.Log, Metrics: s.stats,
	}
	if keys != nil {
		c.Keys = keys.Keys
	}
	return admin.New(c)
}

// openKeys reads who may use the API; nil: who asks from this machine.
func openKeys(settings config.Serve, log *slog.Logger) (*admin.Keyring, error) {
	var fixed []admin.Key
	if settings.APIKey != "" {
		fixed = append(fixed, admin.NewKey("api-key", settings.APIKey))
	} else if settings.APIKeys == "" {
		return nil, nil
	}
	keys, err := admin.NewKeyring(fixed, settings.APIKeys, log)
	if err != nil {
		return nil, &SettingError{"api-keys", err}
	}
	return keys, nil
}

// apart has what is below /api/ answered by the API, which takes paths as they come, and all else by others: pages
// and profiles.
func apart(api, others http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.EscapedPath(), "/api/") {
			api.ServeHTTP(w, r)
		} else {
			others.ServeHTTP(w, r)
		}
	})
}
