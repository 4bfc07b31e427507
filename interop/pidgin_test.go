//go:build interop

package interop

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// pidgin is a running Pidgin on a display of its own, asked over D-Bus what it shows.
type pidgin struct {
	*program // its debug output, with every SIP message
	purple   dbus.BusObject
	account  int32
}

// purpleAvailable is its number in libpurple's status.h. SIMPLE has no other state
// but offline: with "Away" Pidgin publishes nothing new.
const purpleAvailable = int32(2)

// startPidgin starts Pidgin (Debian 12: 2.14.12) with a SIMPLE account and a contact
// list. SIMPLE of libpurple has no TLS; it goes through a tunnel.
func startPidgin(t *testing.T, p place, who string, contacts ...string) *pidgin {
	t.Helper()
	_, port, _ := net.SplitHostPort(tunnel(t, p))
	dir := t.TempDir()
	buddies := ""
	for _, c := range contacts {
		buddies += fmt.Sprintf("<contact><buddy account='%s' proto='prpl-simple'><name>sip:%s</name></buddy></contact>", who, c)
	}
	for name, text := range map[string]string{
		"accounts.xml": fmt.Sprintf(`<?xml version='1.0'?>
<account version='1.0'><account><protocol>prpl-simple</protocol><name>%s</name><password>%s</password>
<settings>
<setting name='useproxy' type='bool'>1</setting><setting name='proxy' type='string'>127.0.0.1</setting>
<setting name='port' type='int'>%s</setting><setting name='udp' type='bool'>0</setting><setting name='dopublish' type='bool'>1</setting>
</settings>
<settings ui='gtk-gaim'><setting name='auto-login' type='bool'>1</setting></settings>
</account></account>
`, who, p.of(who).password, port),
		"blist.xml": "<?xml version='1.0'?>\n<purple version='1.0'><blist><group name='Buddies'>" + buddies + "</group></blist></purple>\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	display, _ := start(t, "Xvfb", exec.Command("Xvfb", "-displayfd", "1", "-screen", "0", "800x600x24", "-nolisten", "tcp")).expect(0, `^(\d+)$`)
	bus, _ := start(t, "dbus-daemon", exec.Command("dbus-daemon", "--session", "--nofork", "--print-address")).expect(0, `^(unix:.*)$`)

	cmd := exec.Command("pidgin", "-d", "-m", "-f", "-c", dir)
	cmd.Env = append(os.Environ(), "HOME="+dir, "DISPLAY=:"+display[1], "DBUS_SESSION_BUS_ADDRESS="+bus[1])
	it := &pidgin{program: start(t, "pidgin", cmd)}
	it.expect(0, `^SIP-ETag: `) // it has published a state, some time after REGISTER
	conn, err := dbus.Connect(bus[1])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		_ = it.cmd.Process.Kill() // it may have ended; SIGTERM is not always enough
	})
	it.purple = conn.Object("im.pidgin.purple.PurpleService", "/im/pidgin/purple/PurpleObject")
	it.account = ask[int32](it, "AccountsFindAny", who, "prpl-simple")
	return it
}

const purpleInterface = "im.pidgin.purple.PurpleInterface.Purple"

// ask calls one of libpurple's functions.
func ask[T any](p *pidgin, function string, args ...any) (answer T) {
	p.t.Helper()
	if err := p.purple.CallWithContext(within(p.t), purpleInterface+function, 0, args...).Store(&answer); err != nil {
		p.t.Fatalf("pidgin: %s: %v", function, err)
	}
	return answer
}

func (p *pidgin) call(function string, args ...any) {
	p.t.Helper()
	if err := p.purple.CallWithContext(within(p.t), purpleInterface+function, 0, args...).Err; err != nil {
		p.t.Fatalf("pidgin: %s: %v", function, err)
	}
}

// quit ends it in an orderly way, and does not wait: the answer may not come.
func (p *pidgin) quit() {
	p.purple.Go(purpleInterface+"CoreQuit", dbus.FlagNoReplyExpected, nil)
}

// shows is what the contact list has about somebody: the state, and the text with it.
func (p *pidgin) shows(who string) (state, note string) {
	p.t.Helper()
	buddy := ask[int32](p, "FindBuddy", p.account, "sip:"+who)
	status := ask[int32](p, "PresenceGetActiveStatus", ask[int32](p, "BuddyGetPresence", buddy))
	return ask[string](p, "StatusGetName", status), ask[string](p, "StatusGetAttrString", status, "message")
}

// choose is what a click on the status selector does.
func (p *pidgin) choose(status int32, note string) {
	p.t.Helper()
	saved := ask[int32](p, "SavedstatusNew", "", status)
	p.call("SavedstatusSetMessage", saved, note)
	p.call("SavedstatusActivate", saved)
}

// tunnel takes TCP connections and brings them to the front end by TLS, which it
// verifies.
func tunnel(t *testing.T, p place) string {
	t.Helper()
	l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(freeBase(t, 0))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() { // ends when l is closed
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := tls.Dial("tcp", p.door, &tls.Config{RootCAs: p.roots, ServerName: domain})
			if err != nil {
				t.Errorf("tunnel: %v", err)
				near.Close()
				continue
			}
			go func() { // ends with far
				defer far.Close()
				defer near.Close()
				_ = oneByOne(near, far) // near may have gone
				_, _ = io.Copy(io.Discard, far)
			}()
			go func() { // ends with near
				_, _ = io.Copy(far, near)
				_ = far.CloseWrite() // what Pidgin said at last is read before the connection ends
				_ = far.SetReadDeadline(time.Now().Add(patience / 6))
			}()
		}
	}()
	return l.Addr().String()
}

// oneByOne copies SIP messages with a pause after each: libpurple handles one
// message each time it reads, and keeps a second one until more comes.
func oneByOne(to io.Writer, from io.Reader) error {
	const pause = 100 * time.Millisecond
	for r := bufio.NewReader(from); ; time.Sleep(pause) {
		var message []byte
		length := 0
		for {
			line, err := r.ReadBytes('\n')
			if err != nil {
				return err
			}
			message = append(message, line...)
			if n, is := bytes.CutPrefix(line, []byte("Content-Length:")); is {
				length, _ = strconv.Atoi(string(bytes.TrimSpace(n))) // Kamailio's own
			}
			if len(bytes.TrimSpace(line)) == 0 {
				break
			}
		}
		body := make([]byte, length)
		if _, err := io.ReadFull(r, body); err != nil {
			return err
		}
		if _, err := to.Write(append(message, body...)); err != nil {
			return err
		}
	}
}
