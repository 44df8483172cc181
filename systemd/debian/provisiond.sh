#!/bin/sh
# provisiond(1). The service gets its secrets from systemd; a command that root gives by hand finds the same ones here.
set -eu

command=/usr/lib/provisiond/bin/provisiond
secrets=/etc/provisiond/secrets
if [ -n "${CREDENTIALS_DIRECTORY:-}" ] || [ ! -r "$secrets" ]; then exec "$command" "$@"; fi

encrypted=$(find "$secrets" -maxdepth 1 -name '*.cred' 2>/dev/null)
if [ -z "$encrypted" ]; then CREDENTIALS_DIRECTORY="$secrets" exec "$command" "$@"; fi

# Encrypted with systemd-creds: plain copies in memory, for as long as the command runs.
plain=$(mktemp -d /run/provisiond-secrets.XXXXXX)
trap 'rm -rf "$plain"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
umask 077
find "$secrets" -maxdepth 1 -type f ! -name '*.cred' -exec cp {} "$plain" \;
for file in $encrypted; do
    name=$(basename "$file" .cred)
    systemd-creds decrypt --name="$name" "$file" "$plain/$name"
done
CREDENTIALS_DIRECTORY="$plain" "$command" "$@"
