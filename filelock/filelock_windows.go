package filelock

import (
	"errors"
	"syscall"
)

// Take takes file as a lock that ends with the process at the latest; taken is
// false while another process has it. The file is opened so that nobody else
// can open it.
func Take(file string) (release func(), taken bool, err error) {
	const sharingViolation = syscall.Errno(32) // ERROR_SHARING_VIOLATION
	name, err := syscall.UTF16PtrFromString(file)
	if err != nil {
		return nil, false, err
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		if errors.Is(err, sharingViolation) {
			err = nil
		}
		return nil, false, err
	}
	return func() { _ = syscall.CloseHandle(h) }, true, nil
}
