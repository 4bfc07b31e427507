#!/bin/bash
# pool.sh DIR - the whole pool on the loopback interface, in the foreground: two
# front ends over one PostgreSQL database, a director and a DNS server.
#
# For trying the recipe, and for tests. Prints READY when everything answers, and
# stops everything on TERM, INT or Ctrl-C. DIR is made; it holds certificates (kept
# from run to run), logs, *.pid, and env: addresses as shell assignments. The
# database begins empty each time.
#
# contoso.test is found by DNS at the front ends, fabrikam.test at the director,
# which sends its users to the front ends.
#
# Environment (defaults):
#   BASE=25000      first port: TLS = BASE+61, internal = +60, director = +81,
#                   DNS = +53, PostgreSQL = +32, LDAPS (only its DNS record) = +36
#   IP1, IP2        addresses of the front ends (127.0.0.1 and 127.0.0.2)
#   USERS=users.txt the accounts, "user@domain password" a line
#   DIGEST=MD5      or SHA-256
#   FORCE_ACTIVE=0  1: presence rules are ignored, everybody sees everybody
#   NONCE_LIFE=3600 seconds after which a client has to be challenged again
#   LISTS=1         0: no list server; a client subscribes to each contact
#   FILTER=         regular expression: messages with that are refused, and so are
#                   offers of files
#   EXTRA=          a folder with more for the tests: dnsmasq.conf (DNS records),
#                   director.cfg (e.g. listen=), director-tls.cfg (TLS profiles)
set -u
here=$(cd "$(dirname "$0")" && pwd)
D=${1:?usage: pool.sh DIR}
mkdir -p "$D"; D=$(cd "$D" && pwd)
BASE=${BASE:-25000} IP1=${IP1:-127.0.0.1} IP2=${IP2:-127.0.0.2} USERS=${USERS:-$here/users.txt}
DIGEST=${DIGEST:-MD5} FORCE_ACTIVE=${FORCE_ACTIVE:-0} NONCE_LIFE=${NONCE_LIFE:-3600} LISTS=${LISTS:-1} EXTRA=${EXTRA:-$D/extra}
TLS=$((BASE+61)) INTERNAL=$((BASE+60)) DIRECTOR=$((BASE+81)) DNS=$((BASE+53)) SQL=$((BASE+32)) LDAPS=$((BASE+36))
PATH=$PATH:/usr/sbin:$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)

missing=
for program in kamailio postgres initdb psql openssl dnsmasq setsid; do
	command -v $program >/dev/null || missing="$missing $program"
done
[ -n "$missing" ] && { echo "FAILED: missing$missing; README.md says which packages to install"; exit 1; }

### Starting and stopping: every part leads a process group of its own ########

pids=()
start() { # name command...
	local name=$1; shift
	setsid "$@" >>"$D/$name.log" 2>&1 </dev/null &
	pids+=($!); echo $! >"$D/$name.pid"
}
stop() { # all at once, but the database last; what hangs is killed after 3 s
	trap - EXIT; trap '' INT TERM
	local i p n
	for p in "${pids[@]:1}"; do kill -TERM "$p" 2>/dev/null; done
	for ((i=${#pids[@]}-1; i>=0; i--)); do
		p=${pids[i]}
		[ $i = 0 ] && kill -INT "$p" 2>/dev/null
		for ((n=0; n<60; n++)); do kill -0 "$p" 2>/dev/null || break; sleep 0.05; done
		kill -KILL -- "-$p" 2>/dev/null
		wait "$p" 2>/dev/null
	done
	rm -rf "$D"/*.pid "$D/env" "${PG:-/nonexistent}"
	exit "$1"
}
trap 'stop 0' INT TERM
trap 'stop 1' EXIT
fail() { echo "FAILED: $1"; shift; for log in "$@"; do echo "--- $log"; tail -n 8 "$log"; done; stop 1; }
answers() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

for at in "$IP1 $TLS" "$IP1 $INTERNAL" "$IP1 $SQL" "$IP1 $DIRECTOR"; do
	answers $at && fail "port ${at#* } is in use; another pool? set BASE"
done
rm -f "$D"/*.log
echo $$ >"$D/pool.pid"
"$here/certs.sh" "$D" contoso.test fabrikam.test || fail "no certificates"

### Database ##################################################################

PG=$(mktemp -d /tmp/pool.XXXXXX) # short, for the socket; owned by postgres
as=
[ "$(id -u)" = 0 ] && { as="setpriv --reuid=postgres --regid=postgres --clear-groups"; chown postgres "$PG"; }
$as initdb -D "$PG/data" -A trust -U kamailio --no-sync -E UTF8 --locale=C >"$D/postgres.log" 2>&1 || fail "initdb" "$D/postgres.log"
start postgres $as postgres -D "$PG/data" -p $SQL -c listen_addresses="$IP1" -c unix_socket_directories="$PG" \
	-c idle_in_transaction_session_timeout=2s -c tcp_user_timeout=10s \
	-c fsync=off -c full_page_writes=off -c shared_buffers=16MB -c max_connections=150
for i in {1..1200}; do pg_isready -q -U kamailio -d postgres -h "$IP1" -p $SQL && break; sleep 0.05; done
export DB=postgres://kamailio@$IP1:$SQL/postgres DIGEST
cat /usr/share/kamailio/postgres/{standard,usrloc,auth_db,msilo,presence,rls}-create.sql "$here/lists.sql" |
	psql -X -q -1 -v ON_ERROR_STOP=1 -d "$DB" >>"$D/postgres.log" 2>&1 || fail "tables" "$D/postgres.log"
"$here/users.sh" add <"$USERS" >>"$D/postgres.log" 2>&1 || fail "accounts" "$D/postgres.log"

### DNS #######################################################################

{
	printf 'port=%s\nlisten-address=%s\nbind-interfaces\nno-resolv\nno-hosts\nno-poll\nlocal-ttl=1\nuser=\ngroup=\n' $DNS "$IP1"
	sed "s/@DOMAIN@/contoso.test/g; s/@PORT[12]@/$TLS/g; s/@IP2@/$IP2/g; s/@IP[A-Z1]*@/$IP1/g; s/@LDAPS@/$LDAPS/g" "$here/dns/records.dnsmasq"
	for name in _sipinternaltls._tcp _sip._tls _sips._tcp; do echo "srv-host=$name.fabrikam.test,director.fabrikam.test,$DIRECTOR,10,50"; done
	echo "local=/fabrikam.test/"
	echo "host-record=director.fabrikam.test,$IP1"
	echo "host-record=director.contoso.test,$IP1"
	echo "host-record=fe1.fabrikam.test,$IP1"
	echo "host-record=fe2.fabrikam.test,$IP2"
	cat "$EXTRA/dnsmasq.conf" 2>/dev/null
} >"$D/dnsmasq.conf"
start dns dnsmasq -k -C "$D/dnsmasq.conf" --pid-file= --log-facility=-

### Kamailio ##################################################################

modules=$(ls -d /usr/lib/*/kamailio/modules | head -1)/
secret=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
kamailio_as() { # name number
	rm -rf "${D:?}/$1"; mkdir -p "$D/$1"
	cp "$here/kamailio.cfg" "$D/$1/"
	sed "s|^certificate=.*|certificate=$D/server.pem|; s|^private_key=.*|private_key=$D/server.key|; s|^ca_list=.*|ca_list=$D/ca.pem|" \
		"$here/tls.cfg.example" >"$D/$1/tls.cfg"
	{
		printf 'server_id=%s\nchildren=1\ntcp_children=1\ndisable_core_dump=yes\nlog_stderror=yes\ndebug=-1\n' "$2"
		for domain in contoso.test fabrikam.test; do
			for host in "" sip. fe1. fe2. director.; do echo "alias=\"$host$domain\""; done
		done
		echo "#!define TLS_CONFIG \"$D/$1/tls.cfg\""
		echo "#!define CTL_SOCKET \"unix:$D/$1/ctl\""
		cat
	} >"$D/$1/settings.cfg"
	start "$1" kamailio -DD -E -f "$D/$1/kamailio.cfg" -L "$modules" -Y "$D/$1" -m 512 -M 64
}
front_end() { # number address
	kamailio_as "fe$1" "$1" <<-CFG
		socket_workers=1
		listen=tls:$2:$TLS
		socket_workers=3
		listen=tcp:$2:$INTERNAL
		#!define PUBLIC_URI "sip:$2:$TLS;transport=tls"
		#!define INTERNAL_URI "sip:$2:$INTERNAL;transport=tcp"
		#!define INTERNAL_PORT $INTERNAL
		#!define RLS_URI "sip:rls@$2:$INTERNAL;transport=tcp"
		#!define PEERS "^($IP1|$IP2)\$"
		#!define DB_URL "postgres://kamailio:x@$IP1:$SQL/postgres"
		#!define SECRET "$secret"
		#!define DIGEST "$DIGEST"
		#!define ADMINISTRATORS "^lists@contoso\.test\$"
		#!define FORCE_ACTIVE $FORCE_ACTIVE
		#!define NONCE_LIFE $NONCE_LIFE
		$([ "$LISTS" = 0 ] && echo "#!define NO_LISTS")
		$([ -n "${FILTER-}" ] && printf '#!define FILTER "%s"\n#!define FILTER_SAYS "messages with links are not allowed"\n#!define NO_FILES\n' "$FILTER")
	CFG
}
front_end 1 "$IP1"
front_end 2 "$IP2"
kamailio_as director 3 <<-CFG
	listen=tls:$IP1:$DIRECTOR
	#!define DIRECTOR
	#!define REDIRECT1 "sip:fe1.fabrikam.test:$TLS;transport=tls"
	#!define REDIRECT2 "sip:fe2.fabrikam.test:$TLS;transport=tls"
	$(cat "$EXTRA/director.cfg" 2>/dev/null)
CFG
cat "$EXTRA/director-tls.cfg" >>"$D/director/tls.cfg" 2>/dev/null

cat >"$D/env" <<-ENV
	DOMAIN=contoso.test RESOLVER=$IP1:$DNS CA=$D/ca.pem
	FE1=$IP1:$TLS FE2=$IP2:$TLS DIRECTOR=$IP1:$DIRECTOR
	XCAP=https://xcap.contoso.test:$TLS/xcap-root LDAPS=$IP1:$LDAPS DB=$DB
ENV
waiting="$IP1:$TLS $IP2:$TLS $IP1:$DIRECTOR"
for i in {1..900}; do
	left=
	for at in $waiting; do answers "${at%:*}" "${at#*:}" || left="$left $at"; done
	waiting=$left
	[ -z "$waiting" ] && break
	for p in "${pids[@]}"; do kill -0 "$p" 2>/dev/null || fail "a part ended" "$D"/*.log; done
	sleep 0.1
done
[ -z "$waiting" ] || fail "nobody listens at$waiting" "$D"/fe1.log "$D"/fe2.log "$D"/director.log
echo "READY $D"
wait "${pids[@]}"
