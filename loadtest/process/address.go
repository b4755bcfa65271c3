package process

import (
	"math/rand/v2"
	"net"
	"strconv"
)

// FreeAddr is an address on loopback, host:port, that nobody listens on. Its port is lower than those that the system gives to connections
// and to whoever asks for any, so that only another who asks here may take it before it is used, which is rare. Any goroutine
// may call it.
func FreeAddr() (addr string, err error) {
	for range 100 {
		addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(10_000+rand.N(20_000)))
		var l net.Listener
		if l, err = net.Listen("tcp", addr); err == nil {
			return addr, l.Close()
		}
	}
	return "", err
}
