//go:build !windows

package filelock

import (
	"errors"
	"os"
	"syscall"
)

// Take takes file as a lock that ends with the process at the latest; taken is
// false while another process has it.
func Take(file string) (release func(), taken bool, err error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		_ = f.Close() // nothing was written
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = nil
		}
		return nil, false, err
	}
	return func() { _ = f.Close() }, true, nil
}
