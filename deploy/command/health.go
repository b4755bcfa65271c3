package command

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"throng/deploy/config"
)

// healthWithin is how long a server may take to say how it is.
const healthWithin = 5 * time.Second

// Health asks the server on this machine whether it is ready, and says what it answers.
func Health(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	var settings config.Health
	_, code, ok := Parse(&settings, args, environ, stdout, stderr)
	if !ok {
		return code
	}
	status, text, err := askReady(ctx, settings.Admin)
	if err != nil {
		fmt.Fprintln(stderr, "throng:", err)
		return Failed
	}
	fmt.Fprintln(stdout, text)
	if status != http.StatusOK {
		return Failed
	}
	return Done
}

// askReady is the answer of /readyz, without white space around it.
func askReady(ctx context.Context, admin string) (status int, text string, err error) {
	ctx, cancel := context.WithTimeout(ctx, healthWithin)
	defer cancel()
	if host, port, err := net.SplitHostPort(admin); err == nil && host == "" {
		admin = net.JoinHostPort("127.0.0.1", port)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/readyz", nil)
	if err != nil {
		return 0, "", err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // and no proxy
	answer, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	return answer.StatusCode, strings.TrimSpace(string(body)), err
}
