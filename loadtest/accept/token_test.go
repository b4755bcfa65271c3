package accept

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// withToken brings somebody in who shows a token with the hello.
func (h *house) withToken(nick string) *person {
	h.t.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": nick, "exp": time.Now().Add(time.Hour).Unix()}).
		SignedString([]byte(tokenSecret))
	if err != nil {
		h.t.Fatal(err)
	}
	p := h.v2(nick)
	p.ask(fmt.Sprintf(`{"t":"hello","id":0,"token":%q}`, token),
		`{"t":"welcome","id":0,"nick":*,"session":*,"expires":*,"epoch":*,"online":*,"ping_s":25,"limits":*,"recovered":*}`)
	return p
}

// tokenSecret is what tokens are signed with.
const tokenSecret = "0123456789abcdef0123456789abcdef"

// The bearer of a token may be at several nodes at once. All their connections get what is said to them, by them and how far it has got; and
// when those at the node that holds the nick have gone, the others are still online.
func TestOneAtTwoNodes(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(tokenSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	h := bootTwo(t, "--auth", "jwt", "--jwt-key", key)
	first, second := h.at(h.node), h.at(h.others[0])
	phone, desk, bob := first.withToken("alice"), second.withToken("alice"), second.withToken("bob")
	const msg = `{"t":"msg","from_user":%q,"to_user":%q,"message":%d,"mid":*,"conv":"dm:%s","seq":*,"prev":*,"epoch":*,"ts":*}`
	bob.say(`{"t":"msg","id":1,"to_user":"alice","message":1}`)
	bob.hear(`{"t":"ack","id":1,"mid":*,"conv":"dm:alice","seq":*,"ts":*,"dur":"fsync","online":true}`, fmt.Sprintf(msg, "bob", "alice", 1, "alice"))
	seq := desk.hear(fmt.Sprintf(msg, "bob", "alice", 1, "bob"))["seq"]
	phone.hear(fmt.Sprintf(msg, "bob", "alice", 1, "bob"))
	phone.say(`{"t":"msg","id":2,"to_user":"bob","message":2}`)
	phone.hear(`{"t":"ack","id":2,"mid":*,"conv":"dm:bob","seq":*,"ts":*,"dur":"fsync","online":true}`, fmt.Sprintf(msg, "alice", "bob", 2, "bob"))
	desk.hear(fmt.Sprintf(msg, "alice", "bob", 2, "bob"))
	bob.hear(fmt.Sprintf(msg, "alice", "bob", 2, "alice"))
	phone.say(`{"t":"read","conv":"dm:bob","seq":` + seq + `}`)
	bob.hear(`{"t":"read","conv":"dm:alice","from_user":"alice","seq":` + seq + `}`)
	bob.say(`{"t":"read","conv":"dm:alice","seq":` + seq + `}`)
	for _, p := range []*person{phone, desk} {
		p.hear(`{"t":"read","conv":"dm:bob","from_user":"bob","seq":` + seq + `}`)
	}
	phone.bye()
	carol := first.withToken("carol")
	for n, isOnline := 3, false; !isOnline; n++ { // until the node of the others has the nick
		carol.say(fmt.Sprintf(`{"t":"msg","id":%d,"to_user":"alice","message":%d}`, n, n))
		answers := carol.hearAll(fmt.Sprintf(`{"t":"ack","id":%d,"mid":*,"conv":"dm:alice","seq":*,"ts":*,"dur":"fsync","online":*}`, n),
			fmt.Sprintf(msg, "carol", "alice", n, "alice"))
		desk.hear(fmt.Sprintf(msg, "carol", "alice", n, "carol"))
		isOnline = answers[0]["online"] == "true"
	}
}
