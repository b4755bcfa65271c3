package process

import "net"

// FreeAddr is an address on loopback, host:port, that nobody listens on. Another may take it before it is used, which is rare. Any
// goroutine may call it.
func FreeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
