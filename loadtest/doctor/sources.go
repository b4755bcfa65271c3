package doctor

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// Sources says whether connections can come from the addresses: each is bound to for a moment.
func Sources(from []netip.Addr) Check {
	c := Check{Name: "sources"}
	for _, addr := range from {
		listener, err := net.Listen("tcp", netip.AddrPortFrom(addr, 0).String())
		if err == nil {
			err = listener.Close()
		}
		if err == nil {
			continue
		}
		c.Level = Fail
		c.Found = clean(err.Error())
		if errors.Is(err, syscall.EADDRNOTAVAIL) {
			c.Found = fmt.Sprintf("%v is not an address of this machine", addr)
		}
		c.Advice = "ip -brief address   # shows those that are"
		return c
	}
	c.Found = fmt.Sprintf("can connect from %s", plural(len(from), "given address"))
	return c
}
