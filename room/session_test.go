package room

import (
	"net/netip"
	"testing"
	"unsafe"
)

func TestSessionSize(t *testing.T) {
	if size := unsafe.Sizeof(Session{}); size > 256 {
		t.Errorf("a Session has %d bytes, want 256", size)
	}
}

// What is wrong with a frame is told to its sender alone, at once, and the connection stays open.
func TestSessionTellsWhatIsWrong(t *testing.T) {
	h := newHub(t, Config{})
	alice, bob := &fakePeer{}, &fakePeer{}
	a := join(t, h, "Alice", alice)
	join(t, h, "bob", bob)
	var want []string
	for frame, reason := range map[string]string{
		`{"message":`:               "not valid JSON",
		`[]`:                        "not a JSON object",
		`{"to_user":1}`:             "to_user must be a string or null",
		`{"to_user":"bob"}`:         "message is missing",
		`{"message":1,"message":1}`: "a JSON object has the same key twice",
	} {
		a.Message(false, []byte(frame))
		want = append(want, said("system", "Alice", reason))
	}
	alice.Flush() // as the loop does after each read
	await(t, alice, want...)
	say(a, "", "well")
	await(t, bob, said("Alice", "", "well"))
	if alice.closed {
		t.Fatalf("closed with %d", alice.code)
	}
}

func TestSessionClosesOnBinary(t *testing.T) {
	h := newHub(t, Config{})
	alice := &fakePeer{}
	join(t, h, "alice", alice).Message(true, []byte(`{"message":1}`))
	if alice.code != 1003 {
		t.Fatalf("closed with %d, want 1003", alice.code)
	}
}

// Too much is refused and told, and much too much is the end; nothing that was refused goes round.
func TestSessionKeepsThePace(t *testing.T) {
	h := newHub(t, Config{Rate: 1e-6, Burst: 2})
	alice, bob := &fakePeer{}, &fakePeer{}
	a := join(t, h, "alice", alice)
	join(t, h, "bob", bob)
	for i := range 5 {
		if alice.closed {
			t.Fatalf("closed with %d before message %d", alice.code, i)
		}
		say(a, "bob", "hey")
	}
	if alice.code != 4029 {
		t.Fatalf("closed with %d, want 4029", alice.code)
	}
	alice.Flush()
	slow := said("system", "alice", "slow down: too many messages a second; this one was not sent")
	await(t, alice, slow, slow)
	await(t, bob, said("alice", "bob", "hey"), said("alice", "bob", "hey"))
}

func TestEcho(t *testing.T) {
	h := newHub(t, Config{Rate: 1e-6, Burst: 3})
	peer := &fakePeer{}
	e := h.Echo(peer, netip.Addr{})
	e.Message(false, []byte("text"))
	e.Message(true, []byte{0xff})
	e.Message(false, nil)
	peer.Flush()
	await(t, peer, "text", "binary:\xff", "")
	e.Message(false, []byte("one too many"))
	if peer.code != 4029 || len(peer.got) != 3 {
		t.Fatalf("closed with %d after %q, want 4029 and no more echo", peer.code, peer.got)
	}
	e.Closed()
	if h.Online() != 0 {
		t.Fatal("an echo counts as a person")
	}
}
