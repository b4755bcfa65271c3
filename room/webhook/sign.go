package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// sign is the header webhook-signature of Standard Webhooks: one signature a secret.
func sign(secrets [][]byte, id string, at int64, body []byte) string {
	var all []string
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, secret)
		fmt.Fprintf(mac, "%s.%d.%s", id, at, body)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(all, " ")
}

// payload is what is posted of an event.
func payload(e *Event) []byte {
	b := make([]byte, 0, len(e.Data)+128)
	b = append(b, `{"type":`...)
	b = strconv.AppendQuote(b, e.Type)
	b = append(b, `,"id":`...)
	b = strconv.AppendQuote(b, e.ID)
	b = append(b, `,"seq":`...)
	b = strconv.AppendUint(b, e.Seq, 10)
	b = append(b, `,"ts":`...)
	b = strconv.AppendInt(b, e.Ts, 10)
	b = append(b, `,"data":`...)
	return append(append(b, e.Data...), '}')
}
