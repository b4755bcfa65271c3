package web_test

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// Who has said something can take it back, and everybody sees that it is gone.
func TestDelete(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	alice := open(t, s.url).join("alice")
	bob := open(t, s.url).join("bob")
	alice.say("oops")
	bob.wait(message("alice", "oops"))
	alice.wait(fate("oops", "stored"))
	alice.do(chromedp.Click(chromedp.CSS(".line.mine .more")))
	alice.wait(shows("#moderator-title", "You"))
	alice.do(chromedp.Click(chromedp.CSS("#moderator-delete")))
	alice.wait(message("You", "This message was deleted."))
	bob.wait(message("alice", "This message was deleted."))
	alice.wait(shows("#toast", "Done."))
	bob.wait(`document.querySelector('.line .more').hidden`) // it is not his to do anything about
}
