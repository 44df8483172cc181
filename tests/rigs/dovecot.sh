#!/bin/sh
# Inside tests/rigs/machine.py: Dovecot shows one mailbox, `bounces`, over TLS on localhost. $1: its password. The
# certificate to trust becomes /etc/provisiond/mail-ca.pem.
set -eu

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
    -keyout /etc/dovecot/machine.key -out /etc/provisiond/mail-ca.pem 2>/dev/null
chmod 644 /etc/provisiond/mail-ca.pem
cat >/etc/dovecot/dovecot.conf <<CONFIGURATION
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = </etc/provisiond/mail-ca.pem
ssl_key = </etc/dovecot/machine.key
mail_location = maildir:/var/mail/bounces
first_valid_uid = 8
passdb {
  driver = static
  args = password=$1
}
userdb {
  driver = static
  args = uid=mail gid=mail home=/var/mail/bounces allow_all_users=yes
}
CONFIGURATION
systemctl restart dovecot
