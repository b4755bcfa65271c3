package command

import (
	"fmt"
	"io"
	"time"

	"throng/deploy/config"
	"throng/room/auth"
)

// Token prints a token to try a server with. The key is not printed, whatever is wrong. checkNick says why a server would take a sub for
// no nick.
func Token(args, environ []string, stdout, stderr io.Writer, checkNick func(sub string) error) int {
	var settings config.Token
	warnings, code, ok := Parse(&settings, args, environ, stdout, stderr)
	if !ok {
		return code
	}
	for _, w := range warnings {
		fmt.Fprintln(stderr, "throng:", w)
	}
	if err := checkNick(settings.Sub); err != nil {
		fmt.Fprintln(stderr, "throng: --sub:", err)
		return Usage
	}
	signer, err := auth.ReadSigner(settings.JWTKey)
	if err != nil {
		fmt.Fprintln(stderr, "throng: --jwt-key:", err)
		return Usage
	}
	token, err := signer.Sign(&auth.Claims{
		Subject: settings.Sub, Expires: time.Now().Add(settings.TTL), Moderator: settings.Moderator,
		Join: settings.Join, Write: settings.Write,
	}, settings.Audience, settings.Issuer)
	if err == nil {
		_, err = fmt.Fprintln(stdout, token)
	}
	if err != nil {
		fmt.Fprintln(stderr, "throng:", err)
		return Failed
	}
	return Done
}
