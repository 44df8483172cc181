# Becomes a private 389 Directory Server in the foreground: at the first start its configuration is made from
# Debian's template; all of it lies below $FOLDER. The same for a container (its entrypoint) and for a process of
# our own. Not dscreate: that wants systemd to start what it made.
set -eu
: "${FOLDER:=/srv/ds389}" "${PORT:=1389}" "${LISTEN:=0.0.0.0}" "${ROOT_HASH:?of the password of cn=Directory Manager}"
config=$FOLDER/slapd-$PORT # its last part names semaphores of the whole machine
as_root=$([ "$(id -u)" -ne 0 ] || echo yes)
user=${as_root:+dirsrv} # root must not be the one who serves
if [ ! -e "$config/dse.ldif" ]; then
    mkdir -p "$config/schema"
    for part in db lock run log tmp bak ldif; do mkdir -p "$FOLDER/$part"; done
    cp /etc/dirsrv/schema/99user.ldif "$config/schema"
    cp /etc/dirsrv/config/slapd-collations.conf "$config"
    # no socket; Berkeley DB, as dscreate of this version makes it; uniqueness is off in the template
    sed -e "s|%schema_dir%|$config/schema|; s|%config_dir%|$config|; s|%cert_dir%|$config|" \
        -e "s|%lock_dir%|$FOLDER/lock|; s|%tmp_dir%|$FOLDER/tmp|; s|%ldif_dir%|$FOLDER/ldif|" \
        -e "s|%bak_dir%|$FOLDER/bak|; s|%run_dir%|$FOLDER/run|; s|%inst_dir%|$FOLDER/run|" \
        -e "s|%log_dir%|$FOLDER/log|; s|%db_dir%|$FOLDER/db|; s|%db_home_dir%|$FOLDER/db|; s|%db_lib%|bdb|" \
        -e "s|%ldapi_enabled%|off|; s|%ldapi%|$FOLDER/run/socket|; s|%ldapi_autobind%|off|" \
        -e "s|%rootdn%|cn=Directory Manager|; s|%ds_passwd%|$ROOT_HASH|; s|%ds_suffix%|cn=nowhere|" \
        -e "s|%fqdn%|localhost|; s|%ds_user%|${user:-$(id -un)}|" \
        -e "s|^nsslapd-port: .*|nsslapd-port: $PORT\nnsslapd-listenhost: $LISTEN|" \
        /usr/share/dirsrv/data/template-dse.ldif >"$config/dse.new"
    mv "$config/dse.new" "$config/dse.ldif"
    [ -z "$as_root" ] || chown -R dirsrv:dirsrv "$FOLDER"
fi
PATH="$PATH:/usr/sbin"
exec ns-slapd -D "$config" -i "$FOLDER/run/pid" -d 0
