package engine

import (
	"bytes"
	"crypto/tls"
	"net"
	"reflect"
	"unsafe"

	"github.com/lesismal/nbio"
)

// What libraries keep of a connection for nothing is taken away, for a connection that waits is to hold little. There are no calls for
// that; the fields are found by name and type, and where a release has changed them nothing is done (TestSpares tells).
var (
	// spares are the buffers that crypto/tls keeps, for the life of a connection, as its handshake and its largest record have needed
	// them: 3 KiB after the hello of a browser, 16 KiB and more after one big message.
	spares = fieldsOf[tls.Conn, bytes.Buffer]("rawInput", "hand")
	// addresses are the client's and our own, of 160 bytes together, which nbio tells to whoever asks; nobody does.
	addresses = fieldsOf[nbio.Conn, net.Addr]("lAddr", "rAddr")
)

// largeSpare is what a buffer may have and be kept, in bytes: what crypto/tls takes for a short record.
const largeSpare = 640

// field is where in a T there is an F.
type field[T, F any] uintptr

func (f field[T, F]) of(t *T) *F { return (*F)(unsafe.Add(unsafe.Pointer(t), f)) }

// fieldsOf are the fields of T with these names, as far as it has them and they are of type F.
func fieldsOf[T, F any](names ...string) (found []field[T, F]) {
	for _, name := range names {
		if f, ok := reflect.TypeFor[T]().FieldByName(name); ok && f.Type == reflect.TypeFor[F]() {
			found = append(found, field[T, F](f.Offset))
		}
	}
	return found
}

// spare gives up the buffers that are empty and large. Whoever reads calls it, after a read that would block: nothing refers to them.
func (s *secure) spare() {
	for _, at := range spares {
		if b := at.of(s.Conn); b.Len() == 0 && b.Cap() > largeSpare {
			*b = bytes.Buffer{}
		}
	}
}

// forgetAddresses is called before the loop knows the socket.
func forgetAddresses(sock *nbio.Conn) {
	for _, at := range addresses {
		*at.of(sock) = nil
	}
}
