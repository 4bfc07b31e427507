//go:build interop

package interop

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// baresip is a running baresip, driven through its control port.
type baresip struct {
	*program
	nc net.Conn
	r  *bufio.Reader
}

// startBaresip starts baresip (Debian 12: 1.0.0) with an account and a contact
// list; the first contact is the one that messages go to. It finds the server by
// DNS (_sips._tcp).
func startBaresip(t *testing.T, p place, user string, contacts ...string) *baresip {
	t.Helper()
	dir := t.TempDir()
	control := net.JoinHostPort("127.0.0.1", strconv.Itoa(freeBase(t, 0)))
	domain := user[strings.IndexByte(user, '@')+1:]
	list := ""
	for _, c := range contacts {
		list += fmt.Sprintf("%q <sip:%s>;presence=p2p\n", c, c)
	}
	for name, text := range map[string]string{
		"config": fmt.Sprintf(`sip_listen 127.0.0.1:0
sip_cafile %s
sip_verify_server yes
dns_server %s
net_interface 127.0.0.1
module_path /usr/lib/baresip/modules
ctrl_tcp_listen %s
module ctrl_tcp.so
module stdio.so
module g711.so
module_tmp uuid.so
module_tmp account.so
module_app contact.so
module_app debug_cmd.so
module_app menu.so
module_app presence.so
`, p.ca, p.resolver, control),
		"accounts": fmt.Sprintf("<sip:%s;transport=tls>;auth_pass=%s;regint=600;pubint=600;outbound=\"sip:%s;transport=tls\"\n", user, p.of(user).password, domain),
		"contacts": list,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Into a pipe it would keep some of its lines back.
	b := &baresip{program: start(t, "baresip", exec.Command("stdbuf", "-oL", "baresip", "-s", "-f", dir))}
	b.expect(0, "baresip is ready")
	nc, err := net.DialTimeout("tcp", control, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	b.nc, b.r = nc, bufio.NewReader(nc)
	return b
}

// do runs one of baresip's commands and returns what it printed. The control
// port speaks JSON in netstrings ("12:...,") and reports events in between.
func (b *baresip) do(command, params string) string {
	b.t.Helper()
	j, _ := json.Marshal(map[string]string{"command": command, "params": params, "token": command})
	_ = b.nc.SetDeadline(time.Now().Add(patience)) // a closed connection shows below
	if _, err := fmt.Fprintf(b.nc, "%d:%s,", len(j), j); err != nil {
		b.t.Fatalf("baresip: %s: %v", command, err)
	}
	for {
		var answer struct {
			Response, OK bool
			Data         string
		}
		if err := b.next(&answer); err != nil {
			b.t.Fatalf("baresip: %s: %v", command, err)
		}
		if answer.Response {
			if !answer.OK {
				b.t.Fatalf("baresip: %s: %s", command, answer.Data)
			}
			return answer.Data
		}
	}
}

func (b *baresip) next(into any) error {
	length, err := b.r.ReadString(':')
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(strings.TrimSuffix(length, ":"))
	if err != nil || n > 1<<20 {
		return fmt.Errorf("netstring of length %q", length)
	}
	text := make([]byte, n+1)
	if _, err := io.ReadFull(b.r, text); err != nil {
		return err
	}
	return json.Unmarshal(text[:n], into)
}
