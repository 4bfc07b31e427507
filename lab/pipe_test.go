package lab

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func pipe() (a, b *pipeConn) {
	return newPipe(&net.TCPAddr{IP: caller, Port: 1}, &net.TCPAddr{IP: caller, Port: 2})
}

func TestPipeHoldsWhatWasWritten(t *testing.T) {
	a, b := pipe()
	if _, err := a.Write([]byte("hello")); err != nil { // nobody reads yet
		t.Fatal(err)
	}
	_ = a.Close()
	if got, err := io.ReadAll(b); string(got) != "hello" || err != nil {
		t.Errorf("after the close: %q, %v", got, err)
	}
	if _, err := b.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("write to nobody: %v", err)
	}
	if _, err := a.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read from what we closed: %v", err)
	}
}

func TestFullPipeWaitsForItsReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe()
		big := bytes.Repeat([]byte("0123456789"), pipeBuffer/5) // twice the buffer
		var done sync.WaitGroup
		done.Go(func() {
			if _, err := a.Write(big); err != nil {
				t.Error(err)
			}
			_ = a.Close()
		})
		synctest.Wait() // the writer waits
		got, err := io.ReadAll(b)
		if err != nil || !bytes.Equal(got, big) {
			t.Errorf("%d bytes of %d, %v", len(got), len(big), err)
		}
		done.Wait()
	})
}

func TestPipeDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe()
		start := time.Now()
		_ = a.SetReadDeadline(start.Add(3 * time.Second))
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Errorf("read: %v after %v", err, time.Since(start))
		}
		var timeout net.Error
		if _, err := a.Read(make([]byte, 1)); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("the deadline does not last: %v", err)
		}
		_ = a.SetReadDeadline(time.Time{})
		time.AfterFunc(time.Hour, func() { _, _ = b.Write([]byte("late")) })
		if n, err := a.Read(make([]byte, 9)); n != 4 || err != nil {
			t.Errorf("without deadline: %d, %v", n, err)
		}
		_ = a.SetWriteDeadline(time.Now().Add(time.Second))
		if n, err := a.Write(make([]byte, pipeBuffer+1)); n != pipeBuffer || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write: %d, %v", n, err)
		}
		_ = b.SetReadDeadline(time.Now().Add(-time.Second))
		if _, err := b.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a deadline in the past: %v", err)
		}
	})
}

func TestPipeReset(t *testing.T) {
	a, b := pipe()
	_, _ = b.Write([]byte("lost"))
	_ = b.SetLinger(0)
	_ = b.Close()
	if _, err := a.Read(make([]byte, 9)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read after a reset: %v", err)
	}
	if _, err := a.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("write after a reset: %v", err)
	}
}

func TestDialling(t *testing.T) {
	bubble(t, Options{People: 2, Still: true}, func(t *testing.T, c *Company) {
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for _, d := range []struct {
			ctx           context.Context
			network, addr string
			says          string
		}{
			{t.Context(), "tcp", "fe1.contoso.test:5061", ""}, {t.Context(), "tcp", "FE2.contoso.test.:5060", ""},
			{t.Context(), "tcp4", "192.0.2.101:5061", ""}, {t.Context(), "tcp6", "[2001:db8::101]:5061", ""}, {t.Context(), "udp", "192.0.2.53:53", ""},
			{t.Context(), "tcp", "fe1.contoso.test:81", "connection refused"}, {t.Context(), "tcp", "203.0.113.1:5061", "connection refused"},
			{t.Context(), "tcp", "fe9.contoso.test:5061", "no such host"}, {t.Context(), "udp", "fe1.contoso.test:5061", "unknown network udp"},
			{t.Context(), "tcp", "fe1.contoso.test:sip", "must be a number"}, {t.Context(), "tcp", "fe1.contoso.test", "missing port"},
			{gone, "tcp", "fe1.contoso.test:5061", "canceled"},
		} {
			nc, err := c.Dial(d.ctx, d.network, d.addr)
			if (d.says == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), d.says) {
				t.Errorf("dial %s %s: %v, want %q", d.network, d.addr, err, d.says)
			}
			if err == nil {
				_ = nc.Close()
			}
		}
		_ = c.Close()
		if _, err := c.Dial(t.Context(), "tcp", "fe1.contoso.test:5061"); err == nil {
			t.Error("the company is closed and can be reached")
		}
	})
}

// Whoever connects and says nothing is left after a while and holds nobody up.
func TestSilentCallers(t *testing.T) {
	bubble(t, Options{People: 2, Still: true}, func(t *testing.T, c *Company) {
		for _, addr := range []string{"fe1.contoso.test:5061", "ldap.contoso.test:636", "xcap.contoso.test:443"} {
			nc, err := c.Dial(t.Context(), "tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			_ = nc.SetReadDeadline(time.Now().Add(time.Minute))
			if _, err := nc.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s waits for ever for a handshake", addr)
			}
		}
	})
}
