package session

import (
	"errors"
	"testing"

	"github.com/zalando/go-keyring"
)

func TestNoSessionBusIsNoKeyring(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+t.TempDir()+"/bus,guid=0")
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	if _, err := Password("anna@example.com"); !errors.Is(err, ErrNoKeyring) {
		t.Errorf("got %v; want ErrNoKeyring, and no daemon started", err)
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	if err := SavePassword("anna@example.com", "secret"); !errors.Is(err, ErrNoKeyring) {
		t.Errorf("got %v; want ErrNoKeyring", err)
	}
}

func TestPasswordIsKeptPerUser(t *testing.T) {
	keyring.MockInit()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "tcp:host=127.0.0.1")
	if _, err := Password("anna@example.com"); !errors.Is(err, ErrNoPassword) {
		t.Fatalf("got %v; want ErrNoPassword", err)
	}
	if err := SavePassword("anna@example.com", "secret"); err != nil {
		t.Fatal(err)
	}
	if w, err := Password("anna@example.com"); w != "secret" || err != nil {
		t.Errorf("got %q, %v", w, err)
	}
	if err := ForgetPassword("anna@example.com"); err != nil {
		t.Fatal(err)
	}
	if _, err := Password("anna@example.com"); !errors.Is(err, ErrNoPassword) {
		t.Errorf("forgotten, but got %v", err)
	}
	if err := ForgetPassword("anna@example.com"); err != nil {
		t.Errorf("forgetting twice: %v", err)
	}
}
