package server

import (
	"context"
	"encoding/json"
	"net/netip"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"throng/room"
	"throng/room/event"
	"throng/web/admin"
)

// Moderate implements admin.Chat.
func (c chat) Moderate(ctx context.Context, a admin.Act) (admin.Act, error) {
	act := room.Act{
		Kind: room.ActKind(a.Kind), Nick: a.Nick, Room: a.Room, Mid: a.Mid, Text: json.RawMessage(a.Text), Reason: a.Reason, By: a.By,
	}
	if a.Until != 0 {
		act.Until = time.UnixMilli(a.Until)
	}
	if a.Addr != "" {
		var ok bool
		if act.Addr, ok = parsePrefix(a.Addr); !ok {
			return admin.Act{}, told(event.Malformed("addr must be an IP address, or a prefix such as 10.0.0.0/8"))
		}
	}
	done, err := c.hub.Moderate(ctx, act)
	if err != nil {
		return admin.Act{}, told(err)
	}
	return actOf(&done), nil
}

// parsePrefix reads an address, or a prefix of some.
func parsePrefix(text string) (netip.Prefix, bool) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(addr.WithZone(""), addr.BitLen()), true
	}
	prefix, err := netip.ParsePrefix(text)
	return prefix, err == nil
}

// Rules implements admin.Chat.
func (c chat) Rules(context.Context) (all []admin.Act, err error) {
	for _, r := range c.hub.Rules() {
		all = append(all, actOf(&r))
	}
	return all, nil
}

// Acts implements admin.Chat.
func (c chat) Acts(_ context.Context, before uint64, limit int) (all []admin.Act, more bool, err error) {
	acts, more, err := c.hub.Acts(before, limit)
	for i := range acts {
		all = append(all, actOf(&acts[i]))
	}
	return all, more, told(err)
}

// actOf is an act as the API tells of it.
func actOf(a *room.Act) admin.Act {
	act := admin.Act{
		Kind: string(a.Kind), Nick: a.Nick, Room: a.Room, Mid: a.Mid, Text: jsontext.Value(a.Text), Reason: a.Reason, By: a.By,
		ID: a.ID, At: a.At.UnixMilli(), Seq: a.Seq,
	}
	if a.Addr.IsValid() {
		act.Addr = a.Addr.String()
	}
	if !a.Until.IsZero() {
		act.Until = a.Until.UnixMilli()
	}
	return act
}
