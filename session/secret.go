package session

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/zalando/go-keyring"
)

// The keyring is the only place where a password is kept. Its absence is a
// normal state: then the user is asked each time.
var (
	// ErrNoPassword: the keyring holds no password for this account.
	ErrNoPassword = errors.New("no password is saved")
	// ErrNoKeyring: this computer has no keyring, or it does not answer.
	ErrNoKeyring = errors.New("no keyring on this computer")
)

const (
	keyringService = "communicator"
	keyringLimit   = 5 * time.Second // a locked keyring would hang for ever
)

// Password returns the password saved for user ("user@domain").
func Password(user string) (string, error) {
	var password string
	err := askKeyring(func() (err error) {
		password, err = keyring.Get(keyringService, user)
		return err
	})
	if err != nil {
		return "", err
	}
	return password, nil
}

// SavePassword keeps the password of user in the keyring.
func SavePassword(user, password string) error {
	return askKeyring(func() error { return keyring.Set(keyringService, user, password) })
}

// ForgetPassword removes it; that there was none is no error.
func ForgetPassword(user string) error {
	err := askKeyring(func() error { return keyring.Delete(keyringService, user) })
	if errors.Is(err, ErrNoPassword) {
		return nil
	}
	return err
}

// askKeyring runs one call of the library, which may never return. The
// goroutine of such a call stays until the keyring answers.
func askKeyring(call func() error) error {
	if !hasKeyring() {
		return ErrNoKeyring
	}
	answer := make(chan error, 1)
	go func() { answer <- call() }() // ends when the keyring answers
	select {
	case err := <-answer:
		switch {
		case err == nil:
			return nil
		case errors.Is(err, keyring.ErrNotFound):
			return ErrNoPassword
		}
		return fmt.Errorf("%w: %v", ErrNoKeyring, err)
	case <-time.After(keyringLimit):
		return fmt.Errorf("%w: it did not answer within %v; is it locked?", ErrNoKeyring, keyringLimit)
	}
}

// hasKeyring looks for a session bus on Linux: without one, the library would
// start daemons of its own.
func hasKeyring() bool {
	if runtime.GOOS != "linux" {
		return true
	}
	if address := os.Getenv("DBUS_SESSION_BUS_ADDRESS"); address != "" {
		path, isPath := strings.CutPrefix(address, "unix:path=")
		if !isPath {
			return true
		}
		path, _, _ = strings.Cut(path, ",")
		return isSocket(path)
	}
	dir := os.Getenv("XDG_RUNTIME_DIR")
	return dir != "" && isSocket(filepath.Join(dir, "bus"))
}

func isSocket(path string) bool {
	f, err := os.Stat(path)
	return err == nil && f.Mode()&os.ModeSocket != 0
}
