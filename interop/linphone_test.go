//go:build interop

package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// startLinphone starts linphonec (Debian 12: 5.1.65) with an account. It prints
// its log, with every SIP message, among its answers. Its DNS server cannot be
// set, so it is told the front end; "localhost" is in the servers' certificates.
func startLinphone(t *testing.T, p place, who string) *program {
	t.Helper()
	home := t.TempDir()
	for _, folder := range []string{".local/share/linphone", ".config/linphone"} { // it does not make them
		if err := os.MkdirAll(filepath.Join(home, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	user, domain, _ := strings.Cut(who, "@")
	_, port, _ := strings.Cut(p.door, ":")
	server := "<sip:localhost:" + port + ";transport=tls>"
	rc := filepath.Join(home, "rc")
	text := fmt.Sprintf(`[sip]
sip_port=-1
sip_tcp_port=-1
sip_tls_port=-1
root_ca=%s
verify_server_certs=1
verify_server_cn=1
default_proxy=0
guess_hostname=0

[auth_info_0]
username=%s
passwd=%s
realm=%s
domain=%s

[proxy_0]
reg_proxy=%s
reg_route=%s
reg_identity=sip:%s
reg_expires=600
reg_sendregister=1
publish=1
`, p.ca, user, p.of(who).password, domain, domain, server, server, who)
	if err := os.WriteFile(rc, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("linphonec", "-d", "6", "-c", rc)
	cmd.Env = append(os.Environ(), "HOME="+home)
	return start(t, "linphonec", cmd)
}
