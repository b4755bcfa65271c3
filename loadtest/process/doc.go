// Package process starts servers and other programs as children and reads what the kernel tells of
// them. It needs Linux.
//
// # No orphans
//
// The kernel kills a child when this program ends, however it ends (prctl(2), PR_SET_PDEATHSIG). It
// does so when the thread that started the child ends. Go ends a thread only with a goroutine that is
// still locked to it; so a goroutine that starts children must not be one that locks its thread and
// then ends. The main goroutine is safest: a program calls [runtime.LockOSThread] in an init function,
// which gives main the main thread, and starts its children from there.
//
// # Signals
//
// A child has a process group of its own: Ctrl-C at a terminal reaches this program alone, which then
// ends its children in the order that it wants.
package process
