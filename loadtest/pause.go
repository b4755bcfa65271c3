package loadtest

import "golang.org/x/sys/unix"

// Pause stops the reading of the user's socket, as a page does that hangs: the socket's receive buffer
// fills ([Config.ReceiveBuffer]) and then the server's. What has been read already is still handed
// out, and a message of which only a part was read is not. When the connection ends, the user is
// read to its end after all, so that [Config.OnClose] can say why; but the end comes behind what lies
// unread, and if that fills the buffer nothing of it is seen before [User.Resume] or [User.Cut].
// Sending is not affected, except that no ping is answered.
func (u *User) Pause() { u.paused.Store(true) }

// Resume ends a [User.Pause]. What lies in the socket is read at once; its messages carry the time at
// which they were read and not at which they came.
func (u *User) Resume() {
	if !u.paused.Swap(false) {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.fd >= 0 {
		// The edge went by while nobody read. To set the same interest again makes the kernel look
		// anew (epoll_ctl(2)); it cannot fail for a descriptor that is registered.
		_ = unix.EpollCtl(u.loop.epoll, unix.EPOLL_CTL_MOD, u.fd, &unix.EpollEvent{Events: interest, Fd: int32(u.fd)})
	}
}
