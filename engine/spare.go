package engine

import (
	"bytes"
	"crypto/tls"
	"reflect"
	"unsafe"
)

// crypto/tls keeps, for the life of a connection, the buffers that its handshake and its largest record have needed: 3 KiB after the
// hello of a browser, 16 KiB and more after one big message. A connection that waits is to hold none, so they are taken away while
// they are empty. The standard library has no call for that; the fields are found by name and type, and where a release of Go has
// changed them nothing is done (TestTLSHoldsNoBuffers tells).
var spares = append(bufferIn("rawInput"), bufferIn("hand")...)

// largeSpare is what a buffer may have and be kept, in bytes: what crypto/tls takes for a short record.
const largeSpare = 640

// bufferIn is where in a tls.Conn the buffer of a name is; none: there is no such buffer.
func bufferIn(name string) []uintptr {
	field, ok := reflect.TypeFor[tls.Conn]().FieldByName(name)
	if !ok || field.Type != reflect.TypeFor[bytes.Buffer]() {
		return nil
	}
	return []uintptr{field.Offset}
}

// spare gives up the buffers that are empty and large. Whoever reads calls it, after a read that would block: nothing refers to them.
func (s *secure) spare() {
	for _, at := range spares {
		if b := (*bytes.Buffer)(unsafe.Add(unsafe.Pointer(s.Conn), at)); b.Len() == 0 && b.Cap() > largeSpare {
			*b = bytes.Buffer{}
		}
	}
}
