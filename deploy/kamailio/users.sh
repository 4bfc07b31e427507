#!/bin/bash
# users.sh add <FILE | list | remove ADDRESS... - the accounts of the pool.
#
# add reads lines "user@domain password" (# begins a comment) and makes the
# accounts or changes their passwords. Only hashes are kept. A new account lets
# everybody of its own domain see its presence (RFC 5025 rules, which its owner's
# client may change by XCAP).
#
# The database is named by DB (a libpq URL, default postgres:///kamailio); the
# hash by DIGEST (MD5 or SHA-256), as in settings.cfg.
set -eu
db=${DB:-postgres:///kamailio}
sql() { psql -X -q -1 -v ON_ERROR_STOP=1 -d "$db" "$@"; }
case ${DIGEST:-MD5} in
MD5) hash="md5(u||':'||d||':'||p)" ;;
SHA-256) hash="encode(sha256(convert_to(u||':'||d||':'||p,'UTF8')),'hex')" ;;
*) echo "DIGEST must be MD5 or SHA-256" >&2; exit 2 ;;
esac

# Whoever is of the same domain may see everything.
rules="'<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<ruleset xmlns=\"urn:ietf:params:xml:ns:common-policy\" xmlns:pr=\"urn:ietf:params:xml:ns:pres-rules\"><rule id=\"colleagues\"><conditions><identity><many domain=\"'||d||'\"/></identity></conditions><actions><pr:sub-handling>allow</pr:sub-handling></actions><transformations><pr:provide-services><pr:all-services/></pr:provide-services><pr:provide-persons><pr:all-persons/></pr:provide-persons><pr:provide-devices><pr:all-devices/></pr:provide-devices><pr:provide-all-attributes/></transformations></rule></ruleset>
'"

case ${1:-} in
add)
	# The text format of COPY: a backslash in a password is doubled.
	new=$(awk '!/^[ \t]*#/ && NF { if (NF<2 || split($1,a,"@")!=2) { print "want ADDRESS PASSWORD: " $0 >"/dev/stderr"; exit 1 }
		gsub(/\\/,"\\\\\\\\",$2); print a[1] "\t" tolower(a[2]) "\t" $2 }') || exit 2
	{
		echo "CREATE TEMP TABLE new(u text, d text, p text); COPY new FROM stdin;"
		[ -z "$new" ] || printf '%s\n' "$new"
		echo '\.'
		cat <<-SQL
			INSERT INTO subscriber(username,domain,password,ha1,ha1b) SELECT u, d, '', $hash, '' FROM new
				ON CONFLICT (username,domain) DO UPDATE SET ha1 = EXCLUDED.ha1;
			INSERT INTO xcap(username,domain,doc,doc_type,etag,source,doc_uri,port)
				SELECT u, d, convert_to($rules,'UTF8'), 2, 'initial', 0, '/xcap-root/pres-rules/users/sip:'||u||'@'||d||'/index', 0 FROM new
				ON CONFLICT DO NOTHING;
		SQL
	} | sql
	;;
list)
	sql -At -c "SELECT username||'@'||domain FROM subscriber ORDER BY domain, username"
	;;
remove)
	shift
	for address in "$@"; do
		for table in subscriber xcap location silo; do
			printf "DELETE FROM %s WHERE username = :'u' AND domain = :'d';\n" $table
		done | sql -v u="${address%@*}" -v d="${address#*@}"
	done
	;;
*)
	sed -n '2,12s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
