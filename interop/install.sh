#!/bin/bash
# install.sh - installs the Debian packages with the servers and programs that the tests here use.
set -eu
policy=/usr/sbin/policy-rc.d # what we install for its programs shall not start as a service
if [ "$(id -u)" = 0 ] && [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod 755 $policy
	trap 'rm -f $policy' EXIT
fi
"$(dirname "$0")/../deploy/install.sh" \
	kamailio kamailio-tls-modules kamailio-presence-modules kamailio-postgres-modules postgresql-15 \
	dnsmasq-base slapd ldap-utils samba samba-ad-provision samba-dsdb-modules ldb-tools krb5-user openssl baresip-core linphone-cli \
	pidgin xvfb dbus-daemon sip-tester radicale xandikos
