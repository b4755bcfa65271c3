package room

import (
	"testing"
	"testing/synctest"
	"time"
)

// What is expected of those who come for a nick that another claim can come back to.

// A nick that can come back is kept from a client that says nothing, for as long as that may take.
func TestSilentClientWithAnothersNick(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice := c.in("alice")
		thief := c.meet("alice")
		alice.send(`{"t":"msg","message":1}`)
		time.Sleep(proofWait - time.Millisecond)
		synctest.Wait()
		thief.isClosed(0)
		time.Sleep(time.Millisecond)
		synctest.Wait()
		thief.isClosed(4509)
		thief.sees()
		alice.drop()
		time.Sleep(reserve + time.Second)
		heir := c.meet("alice")
		time.Sleep(proofWait)
		synctest.Wait()
		heir.isClosed(0)
		heir.send(`{"t":"msg","id":1,"message":2}`)
		heir.sees("ack 1 room:all", "msg room:all alice: 2")
	})
}

// Who comes without a hello for a nick that is kept for nobody any more is not nobody for longer than others.
func TestSilentClientWithAFreeNick(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		c.in("bob").drop()
		time.Sleep(reserve + time.Second)
		bob := c.meet("bob")
		time.Sleep(helloWait + time.Millisecond)
		bob.isClosed(0)
		alice := c.in("alice")
		alice.send(`{"message":1}`)
		bob.sees("msg room:all alice: 1")
	})
}

// A malformed hello for a nick that can come back is answered, and a proper one may follow, for as long as one is waited for.
func TestMalformedHelloForAnothersNick(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice := c.in("alice")
		back, thief := c.meet("alice"), c.meet("alice")
		for _, frame := range []string{
			`{"t":"hello","id":1,"resume":%q,"pos":[]}`, `{"t":"hello","id":1,"resume":%q,"token":7}`,
			`{"t":"hello","id":1,"resume":%q,"pos":{"room:all":["e","7"]}}`,
		} {
			for _, u := range []*user{back, thief} {
				u.send(frame, alice.resume)
				u.sees("err 1 400")
				u.isClosed(0)
			}
		}
		back.hello(alice.with())
		alice.isClosed(4510)
		time.Sleep(proofWait)
		synctest.Wait()
		back.isClosed(0)
		thief.isClosed(4509)
		thief.sees()
	})
}

// A hello that the server is late to read is waited for.
func TestSlowServerWaitsForHello(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice, w := c.hello("alice", "")
		alice.drop()
		back, thief := c.meet("alice"), c.meet("alice")
		for _, u := range []*user{back, thief} {
			u.peer.beLate(true)
		}
		time.Sleep(3*proofWait + time.Second)
		synctest.Wait()
		back.isClosed(0)
		back.send(`{"t":"hello","id":1,"resume":%q}`, w[0].Resume)
		back.sees("welcome 1")
		thief.peer.beLate(false)
		time.Sleep(proofWait)
		synctest.Wait()
		thief.isClosed(4509)
		thief.sees()
	})
}
