# Makes cn=config from the LDIF in $BOOTSTRAP at the first start, then becomes slapd in the foreground.
set -eu
config=/etc/ldap/slapd.d
mkdir -p /run/ldapi /var/lib/ldap
if [ -z "$(ls -A "$config" 2>/dev/null)" ]; then
    mkdir -p "$config"
    printf '%s\n' "$BOOTSTRAP" | slapadd -n 0 -F "$config"
fi
ulimit -n 4096  # slapd makes a table of the limit's size, and containers often have a million
exec slapd -d 0 -F "$config" -h "ldap://0.0.0.0:1389 ldapi://%2Frun%2Fldapi%2Fsocket"
