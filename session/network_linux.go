package session

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// networkChanges calls f whenever a link, an address or a route of this
// computer has changed, until ctx ends (rtnetlink(7)).
func networkChanges(ctx context.Context, f func()) error {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, syscall.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("hear of network changes: %w", err)
	}
	socket := os.NewFile(uintptr(fd), "rtnetlink")
	defer socket.Close()
	// From linux/rtnetlink.h: RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_IFADDR, RTMGRP_IPV6_ROUTE.
	if err := syscall.Bind(fd, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK, Groups: 0x1 | 0x10 | 0x40 | 0x100 | 0x400}); err != nil {
		return fmt.Errorf("hear of network changes: %w", err)
	}
	defer context.AfterFunc(ctx, func() { socket.Close() })()
	news := make([]byte, 64<<10) // what changed does not matter
	for {
		if _, err := socket.Read(news); err != nil && ctx.Err() != nil {
			return nil
		} else if err != nil && !errors.Is(err, syscall.ENOBUFS) { // too many at once are changes too
			return fmt.Errorf("hear of network changes: %w", err)
		}
		f()
	}
}
