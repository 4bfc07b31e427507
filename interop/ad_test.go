//go:build interop

package interop

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Samba as domain controller of Active Directory with 2,000 people, found by its
// own DNS: org and find say what ldapsearch says, with name and password and
// with a Kerberos ticket.
func TestActivePeople(t *testing.T) {
	all := staff(2000)
	s := startAD(t, all)
	s.ask(t, all)
	s.kerberos(t, all[7])
}

var realm = strings.ToUpper(domain)

const adminPassword = "Passw0rd!Test"

// kerberos signs in to the directory with the ticket of kinit: the name that is
// set is nobody's, so that nothing else can do.
func (s ldapServer) kerberos(t *testing.T, m member) {
	cache := filepath.Join(t.TempDir(), "tickets")
	env := append(os.Environ(), append(s.environment, "KRB5CCNAME=FILE:"+cache)...)
	kinit := exec.Command("kinit", strings.TrimSuffix(s.me, domain)+realm)
	kinit.Env, kinit.Stdin = env, strings.NewReader(s.of(s.me).password+"\n")
	if out, err := kinit.CombinedOutput(); err != nil {
		t.Fatalf("kinit: %v\n%s", err, out)
	}
	sh := s.shell(t, s.program, s.me, s.of(s.me).password)
	if err := os.MkdirAll(profileOf(sh), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(profileOf(sh), "profile.toml"), []byte("directory_user = \"nobody@contoso.test\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	sh.env = append(sh.env, s.environment...)
	if lines := sh.run(1, "find", m.address()); len(lines) != 0 {
		t.Errorf("without a ticket: %v", lines)
	}
	sh.env = append(sh.env, "KRB5CCNAME=FILE:"+cache)
	if found := sh.run(0, "find", m.address()); len(found) != 1 || found[0]["name"] != m.name() {
		t.Errorf("with a ticket: %v", found)
	}
}

// startAD makes a domain controller with these people on a loopback address of
// its own, where it needs its usual ports, and thus root.
func startAD(t *testing.T, all []member) ldapServer {
	t.Helper()
	lab := startLab(t, 20)
	c := controller{dir: t.TempDir(), ip: freeLoopback(t)}
	c.provision(t)
	c.hire(t, staffAD(lab.me, all))
	return c.serve(t, lab)
}

// controller is a domain controller in a folder, at an address.
type controller struct{ dir, ip string }

func (c controller) conf() string     { return filepath.Join(c.dir, "etc", "smb.conf") }
func (c controller) database() string { return filepath.Join(c.dir, "private", "sam.ldb") }

// provision makes an empty domain. Everything in it is below its folder, so that
// the folder can be copied.
func (c controller) provision(t *testing.T, more ...string) {
	t.Helper()
	tool(t, "samba-tool", append([]string{"domain", "provision", "--realm=" + realm, "--domain=CONTOSO", "--server-role=dc", "--dns-backend=SAMBA_INTERNAL",
		"--adminpass=" + adminPassword, "--host-name=dc1", "--host-ip=" + c.ip, "--targetdir=" + c.dir, "--use-rfc2307",
		"--option=posix:eadb=" + c.dir + "/eadb.tdb", "--option=interfaces=" + c.ip + "/8", "--option=bind interfaces only=yes"}, more...)...)
	c.configure(t)
	tool(t, "samba-tool", "domain", "passwordsettings", "set", "--complexity=off", "--min-pwd-length=0", "-s", c.conf(), "-H", c.database())
	tool(t, "samba-tool", "spn", "add", "ldap/dc1."+domain, "DC1$", "-s", c.conf(), "-H", c.database())
}

func (c controller) configure(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(c.conf(), []byte(sambaConf(c.dir, c.ip, realm)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// hire puts people into the database. Without batch_mode Samba copies the lists
// of its index at each of them, and takes 8 ms after 8,000 instead of 2.
func (c controller) hire(t *testing.T, ldif []string) {
	t.Helper()
	file := filepath.Join(c.dir, "load.ldif")
	for _, part := range ldif {
		if err := os.WriteFile(file, []byte(part), 0o600); err != nil {
			t.Fatal(err)
		}
		tool(t, "nice", "ldbmodify", "--configfile="+c.conf(), "-H", c.database(), "--nosync",
			"-o", "batch_mode:1", "-o", "transaction_index_cache_size:200000", file)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}

// serve runs the controller until the test ends.
func (c controller) serve(t *testing.T, lab place) ldapServer {
	t.Helper()
	ca := newCA(t)
	authority, krb5 := filepath.Join(c.dir, "ca.pem"), filepath.Join(c.dir, "krb5.conf")
	writeLeaf(t, filepath.Join(c.dir, "dc1"), ca, door{names: []string{"dc1." + domain}, until: 48 * time.Hour})
	if err := os.WriteFile(authority, pemOf(ca), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(krb5, fmt.Appendf(nil, "[libdefaults]\ndefault_realm = %s\ndns_lookup_kdc = false\nrdns = false\n[realms]\n%[1]s = {\nkdc = %s:88\n}\n[domain_realm]\n%s = %[1]s\n.%[3]s = %[1]s\n", realm, c.ip, domain), 0o600); err != nil {
		t.Fatal(err)
	}
	c.configure(t)
	me := lab.of(lab.me)
	local, _, _ := strings.Cut(me.user, "@")
	tool(t, "samba-tool", "user", "setpassword", local, "--newpassword="+me.password, "-s", c.conf(), "-H", c.database())
	samba := start(t, "samba", exec.Command("samba", "-F", "-s", c.conf(), "--no-process-group", "--debug-stdout", "-d1"))
	t.Cleanup(func() { _ = syscall.Kill(-samba.cmd.Process.Pid, syscall.SIGTERM) }) // its children, if any is left
	for _, port := range []string{"53", "88", "389", "636"} {
		awaitPort(t, net.JoinHostPort(c.ip, port))
	}
	return ldapServer{
		place: lab.named(t, c.ip+":53", authority), url: "ldaps://" + c.ip + ":636", host: "dc1." + domain, active: true,
		bindDN: "administrator@" + domain, password: adminPassword,
		program: build(t), environment: []string{"KRB5_CONFIG=" + krb5, "KRB5CCNAME=/nonexistent"},
	}
}

// staffAD is the staff for Active Directory and the one who searches, as
// changes to make one after the other. Nobody has a password.
func staffAD(me string, all []member) (parts []string) {
	local, _, _ := strings.Cut(me, "@")
	var b, later bytes.Buffer
	fmt.Fprintf(&b, "dn: %s\nchangetype: add\nobjectClass: organizationalUnit\nou: staff\n\n", staffUnit)
	fmt.Fprintf(&b, "dn: CN=%s,%s\nchangetype: add\nobjectClass: user\nsAMAccountName: %[1]s\nuserPrincipalName: %[3]s\nuserAccountControl: 66080\n\n", local, staffUnit, me)
	const atOnce = 10_000
	for from := 0; from < len(all); from += atOnce {
		activeLDIF(&b, &later, all, from, min(from+atOnce, len(all)))
		parts = append(parts, b.String())
		b.Reset()
	}
	return append(parts, later.String())
}

// sambaConf is a configuration of our own: the one that provision writes copies
// parts of this computer's and sends DNS queries on.
func sambaConf(dir, ip, realm string) string {
	return strings.NewReplacer("DIR", dir, "IP", ip, "REALM", realm).Replace(`[global]
workgroup = CONTOSO
realm = REALM
netbios name = DC1
server role = active directory domain controller
bind interfaces only = yes
interfaces = IP/8
dns forwarder = 127.255.255.254
private dir = DIR/private
state directory = DIR/state
lock directory = DIR
cache directory = DIR/cache
binddns dir = DIR/bind-dns
pid directory = DIR
ncalrpc dir = DIR/ncalrpc
ntp signd socket directory = DIR/ntp
winbindd socket directory = DIR/winbindd
log file = DIR/log.%m
server services = rpc, ldap, cldap, kdc, dns
dcerpc endpoint servers = epmapper, samr, lsarpc, netlogon, drsuapi, dnsserver
posix:eadb = DIR/eadb.tdb
idmap_ldb:use rfc2307 = yes
disable netbios = yes
ldap server require strong auth = allow_sasl_over_tls
tls keyfile = DIR/dc1.key
tls certfile = DIR/dc1.pem
tls cafile = DIR/ca.pem
`)
}

// tool runs a program to its end.
func tool(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v (interop/install.sh installs it)\n%s", name, args[0], err, tailOf(out))
	}
}

func tailOf(out []byte) []byte { return out[max(0, len(out)-2000):] }

// freeLoopback is an address of 127/8 at which the ports of a domain controller are free.
func freeLoopback(t *testing.T) string {
	t.Helper()
	for host := 20; host < 250; host++ {
		ip := fmt.Sprintf("127.0.9.%d", host)
		free := true
		for _, port := range []string{"53", "88", "135", "389", "464", "636"} {
			l, err := net.Listen("tcp4", net.JoinHostPort(ip, port))
			if err != nil {
				free = false
				break
			}
			l.Close()
		}
		if free {
			return ip
		}
	}
	t.Fatal("no loopback address has the ports of a domain controller free (it needs root)")
	return ""
}

// awaitPort waits until somebody listens there.
func awaitPort(t *testing.T, address string) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		nc, err := net.Dial("tcp4", address)
		if err == nil {
			nc.Close()
			return
		}
		if time.Since(began) > patience {
			t.Fatal(err)
		}
	}
}
