//go:build interop

package interop

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf16"
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

// kerberos signs in to the directory with the ticket of kinit: the name that is
// set is nobody's, so that nothing else can do.
func (s ldapServer) kerberos(t *testing.T, m member) {
	cache := filepath.Join(t.TempDir(), "tickets")
	env := append(os.Environ(), append(s.environment, "KRB5CCNAME=FILE:"+cache)...)
	kinit := exec.Command("kinit", strings.TrimSuffix(s.me, domain)+strings.ToUpper(domain))
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

// startAD makes a domain controller on a loopback address of its own, where it
// needs its usual ports, and thus root.
func startAD(t *testing.T, all []member) ldapServer {
	t.Helper()
	lab := startLab(t, 20)
	dir, ip := t.TempDir(), freeLoopback(t)
	ca := newCA(t)
	authority := filepath.Join(dir, "ca.pem")
	writeLeaf(t, filepath.Join(dir, "dc1"), ca, door{names: []string{"dc1." + domain}, until: 48 * time.Hour})
	if err := os.WriteFile(authority, pemOf(ca), 0o600); err != nil {
		t.Fatal(err)
	}
	realm := strings.ToUpper(domain)
	tool(t, "samba-tool", "domain", "provision", "--realm="+realm, "--domain=CONTOSO", "--server-role=dc", "--dns-backend=SAMBA_INTERNAL",
		"--adminpass=Passw0rd!Test", "--host-name=dc1", "--host-ip="+ip, "--targetdir="+dir, "--use-rfc2307",
		"--option=posix:eadb="+dir+"/eadb.tdb", "--option=interfaces="+ip+"/8", "--option=bind interfaces only=yes")
	conf, database := filepath.Join(dir, "etc", "smb.conf"), filepath.Join(dir, "private", "sam.ldb")
	if err := os.WriteFile(conf, []byte(sambaConf(dir, ip, realm)), 0o600); err != nil {
		t.Fatal(err)
	}
	krb5 := filepath.Join(dir, "krb5.conf")
	if err := os.WriteFile(krb5, fmt.Appendf(nil, "[libdefaults]\ndefault_realm = %s\ndns_lookup_kdc = false\nrdns = false\n[realms]\n%[1]s = {\nkdc = %s:88\n}\n[domain_realm]\n%s = %[1]s\n.%[3]s = %[1]s\n", realm, ip, domain), 0o600); err != nil {
		t.Fatal(err)
	}
	tool(t, "samba-tool", "domain", "passwordsettings", "set", "--complexity=off", "--min-pwd-length=0", "-s", conf, "-H", database)
	hireActive(t, dir, lab.of(lab.me), all)
	tool(t, "samba-tool", "spn", "add", "ldap/dc1."+domain, "DC1$", "-s", conf, "-H", database)
	samba := start(t, "samba", exec.Command("samba", "-F", "-s", conf, "--no-process-group", "--debug-stdout", "-d1"))
	t.Cleanup(func() { _ = syscall.Kill(-samba.cmd.Process.Pid, syscall.SIGTERM) }) // its children, if any is left
	for _, port := range []string{"53", "88", "389", "636"} {
		awaitPort(t, net.JoinHostPort(ip, port))
	}
	return ldapServer{
		place: lab.named(t, ip+":53", authority), url: "ldaps://" + ip, bindDN: lab.me, password: lab.of(lab.me).password,
		program: build(t), environment: []string{"KRB5_CONFIG=" + krb5, "KRB5CCNAME=/nonexistent"},
	}
}

// hireActive puts the people, and the one who searches, into the database, a
// thousand at once: with more its index makes it slow.
func hireActive(t *testing.T, dir string, me person, all []member) {
	t.Helper()
	local, _, _ := strings.Cut(me.user, "@")
	var b, later bytes.Buffer
	fmt.Fprintf(&b, "dn: %s\nobjectClass: organizationalUnit\nou: staff\n\n", staffUnit)
	fmt.Fprintf(&b, "dn: CN=%s,%s\nobjectClass: user\nsAMAccountName: %[1]s\nuserPrincipalName: %[3]s\nuserAccountControl: 66048\nclearTextPassword:: %[4]s\n\n",
		local, staffUnit, me.user, utf16LE(me.password))
	load := func(program string, ldif *bytes.Buffer) {
		file := filepath.Join(dir, "load.ldif")
		if err := os.WriteFile(file, ldif.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		tool(t, program, "--configfile="+filepath.Join(dir, "etc", "smb.conf"), "-H", filepath.Join(dir, "private", "sam.ldb"), "--nosync", file)
		ldif.Reset()
	}
	for from := 0; from < len(all); from += 1000 {
		activeLDIF(&b, &later, all, from, min(from+1000, len(all)))
		load("ldbadd", &b)
	}
	load("ldbmodify", &later)
}

// utf16LE is text as Samba takes a password, in base64.
func utf16LE(text string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return base64.StdEncoding.EncodeToString(b)
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
