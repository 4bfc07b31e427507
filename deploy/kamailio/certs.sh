#!/bin/bash
# certs.sh DIR DOMAIN... - a certificate authority of one's own for trying things
# out, and one server certificate for all machines of the pool.
#
# DIR gets ca.pem (give it to clients: --ca), ca.key, server.pem and server.key.
# What is there stays. In production use certificates of a real authority that
# name the same hosts; see README.md.
set -eu
dir=${1:?usage: certs.sh DIR DOMAIN...}; shift
mkdir -p "$dir"
[ -s "$dir/server.pem" ] && exit 0
umask 077

openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=Pool test authority" \
	-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
	-keyout "$dir/ca.key" -out "$dir/ca.pem" 2>"$dir/certs.log" || { cat "$dir/certs.log"; exit 1; }

# Every SIP domain itself (RFC 5922), and every host name that a client connects to.
names=DNS:localhost,IP:127.0.0.1,IP:127.0.0.2
for d in "$@"; do
	names=$names,DNS:$d,URI:sip:$d
	for host in sip fe1 fe2 director xcap ldap; do names=$names,DNS:$host.$d; done
done
openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$dir/server.key" -out "$dir/server.csr" 2>>"$dir/certs.log"
openssl x509 -req -in "$dir/server.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial -days 825 -sha256 \
	-extfile <(printf 'basicConstraints=CA:FALSE\nkeyUsage=digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=%s\n' "$names") \
	-out "$dir/server.pem" 2>>"$dir/certs.log" || { cat "$dir/certs.log"; exit 1; }
rm -f "$dir/server.csr" "$dir/ca.srl" "$dir/certs.log"
