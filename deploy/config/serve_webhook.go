package config

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"time"
)

// webhookEvents are the types of what a webhook may be told.
var webhookEvents = []string{"message", "connect", "disconnect", "moderation"}

const (
	// codedSecret is in front of a secret that is base64, as Standard Webhooks has it.
	codedSecret = "whsec_"
	// minSecret is how many bytes a secret has at least.
	minSecret = 16
)

// Webhook is which endpoint is told what happens, and how.
type Webhook struct {
	WebhookURL     string        // http or https; empty: none
	WebhookSecret  [][]byte      // each post is signed with each; at least one where there is a WebhookURL
	WebhookEvents  []string      // what is told, of webhookEvents
	WebhookKeep    time.Duration // how long an event waits to be accepted; never 0
	WebhookTimeout time.Duration // of one attempt; never 0
}

// onWebhook is which endpoint is told what happens.
func (s *Serve) onWebhook() []setting {
	return []setting{
		{"webhook-url", "", hookURL(&s.WebhookURL),
			"endpoint that is told what happens, by signed POSTs as Standard Webhooks has them; empty = none"},
		{"webhook-secret", "", hookSecrets(&s.WebhookSecret),
			"by what they are signed, whsec_ and base64, or 16 bytes or more as they are; two, comma separated, while one replaces the other; " +
				"best in THRONG_WEBHOOK_SECRET, since all users of a machine see its flags"},
		{"webhook-events", strings.Join(webhookEvents, ","), each(&s.WebhookEvents, "event", either(webhookEvents), func(text string) (string, bool) {
			return text, slices.Contains(webhookEvents, text)
		}), "what it is told: message, connect, disconnect, moderation"},
		{"webhook-keep", "24h", duration(&s.WebhookKeep, time.Minute, 100*365*day),
			"how long an event is posted again until it is accepted; so long retention spares it; older ones are dropped and counted"},
		{"webhook-timeout", "10s", duration(&s.WebhookTimeout, 100*time.Millisecond, 10*time.Minute),
			"longest time that one POST may take"},
	}
}

// hookURL is for a URL that may have secrets in it.
func hookURL(to *string) kind {
	const unit = "http:// or https:// URL"
	return kind{unit: unit, want: "an " + unit, secret: always, set: func(text string) bool {
		u, err := url.Parse(text)
		if text != "" && (err != nil || !isText(text) || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Fragment != "") {
			return false
		}
		*to = text
		return true
	}}
}

func hookSecrets(to *[][]byte) kind {
	k := each(to, "secret", "16 bytes or more, or whsec_ and base64 of them", parseSecret)
	k.secret = always
	return k
}

// parseSecret reads one secret by which posts are signed.
func parseSecret(text string) (secret []byte, ok bool) {
	secret = []byte(text)
	if coded, isCoded := strings.CutPrefix(text, codedSecret); isCoded {
		var err error
		if secret, err = base64.StdEncoding.DecodeString(coded); err != nil {
			return nil, false
		}
	}
	return secret, len(secret) >= minSecret && isText(text)
}

func (s *Serve) settleWebhook(t *table) error {
	switch {
	case s.WebhookURL == "":
		if len(s.WebhookSecret) > 0 {
			return t.used["webhook-secret"].refuse("nothing, unless --webhook-url is set")
		}
	case len(s.WebhookSecret) == 0:
		return t.used["webhook-url"].refuse("--webhook-secret as well: the endpoint could not tell our posts from forged ones")
	case len(s.WebhookEvents) == 0:
		return t.used["webhook-events"].refuse("at least one, since --webhook-url is set")
	}
	return nil
}

// doubtWebhook warns where what is posted can be read on the way.
func (s *Serve) doubtWebhook(t *table) []string {
	u, err := url.Parse(s.WebhookURL)
	if err != nil || u.Scheme != "http" || isLoopback(u.Host) || isLoopback(u.Host+":80") {
		return nil
	}
	return []string{t.used["webhook-url"].spelt + " is http: whoever is on the way to " + u.Hostname() + " can read what is posted"}
}
