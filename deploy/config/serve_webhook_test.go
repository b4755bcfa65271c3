package config

import (
	"strings"
	"testing"
	"time"
)

func TestWebhook(t *testing.T) {
	const url, secret = "--webhook-url=https://a.example/hook?key=1", "--webhook-secret=0123456789abcdef"
	for _, tt := range []struct {
		args []string
		want string // of the error; empty: there is none
	}{
		{[]string{url, secret}, ""},
		{[]string{url, "--webhook-secret=whsec_MDEyMzQ1Njc4OWFiY2RlZg==,0123456789abcdef", "--webhook-events=connect", "--webhook-events=message"}, ""},
		{[]string{url}, "--webhook-secret as well"},
		{[]string{secret}, "nothing, unless --webhook-url is set"},
		{[]string{url, secret, "--webhook-events="}, "at least one"},
		{[]string{url, secret, "--webhook-events=typing"}, "want message, connect, disconnect or moderation"},
		{[]string{url, secret, "--webhook-keep=0"}, "a time from 1m0s"},
		{[]string{url, secret, "--webhook-timeout=0"}, "a time from 100ms"},
		{[]string{url, "--webhook-secret=hidden"}, "want 16 bytes or more"},
		{[]string{url, "--webhook-secret=0123456789abcdef,hidden"}, "want 16 bytes or more"},
		{[]string{url, "--webhook-secret=whsec_MDEy"}, "want 16 bytes or more"},
		{[]string{url, "--webhook-secret=whsec_hidden!"}, "want 16 bytes or more"},
		{[]string{secret, "--webhook-url=ftp://me:hidden@a"}, "want an http:// or https:// URL"},
		{[]string{secret, "--webhook-url=https://?hidden"}, "want an http:// or https:// URL"},
		{[]string{secret, "--webhook-url=hidden"}, "want an http:// or https:// URL"},
	} {
		var s Serve
		_, err := Parse(&s, tt.args, nil)
		switch {
		case tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%q: %v, want %q", tt.args, err, tt.want)
		case err != nil && strings.Contains(err.Error(), "hidden"):
			t.Errorf("the error tells a secret: %v", err)
		}
	}
}

func TestWebhookValues(t *testing.T) {
	var s Serve
	_, err := Parse(&s, []string{"--webhook-url", "http://a/", "--webhook-keep", "2h", "--webhook-timeout", "3s", "--webhook-events", "moderation"},
		[]string{"THRONG_WEBHOOK_SECRET=whsec_MDEyMzQ1Njc4OWFiY2RlZg==, a secret with spaces"})
	if err != nil || s.WebhookURL != "http://a/" || s.WebhookKeep != 2*time.Hour || s.WebhookTimeout != 3*time.Second ||
		len(s.WebhookEvents) != 1 || s.WebhookEvents[0] != "moderation" || len(s.WebhookSecret) != 2 ||
		string(s.WebhookSecret[0]) != "0123456789abcdef" || string(s.WebhookSecret[1]) != "a secret with spaces" {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestWebhookDoubt warns of what can be read on the way, without what is secret in the URL.
func TestWebhookDoubt(t *testing.T) {
	for url, isDoubtful := range map[string]bool{
		"http://me:hidden@a.example/?hidden": true, "https://a.example/": false, "http://127.0.0.1:8000/": false, "http://localhost/": false,
		"http://[::1]:80/": false,
	} {
		var s Serve
		doubts, err := Parse(&s, []string{"--webhook-url", url, "--webhook-secret", "0123456789abcdef"}, nil)
		if err != nil || (len(doubts) > 0) != isDoubtful || strings.Contains(strings.Join(doubts, ""), "hidden") {
			t.Errorf("%s: %q, %v", url, doubts, err)
		}
	}
}

func FuzzParseSecret(f *testing.F) {
	for _, text := range []string{"", "0123456789abcdef", "whsec_MDEyMzQ1Njc4OWFiY2RlZg==", "whsec_!", "\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if secret, ok := parseSecret(text); ok && len(secret) < minSecret {
			t.Errorf("a secret of %d bytes", len(secret))
		}
	})
}
