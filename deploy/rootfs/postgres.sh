# postgres.sh TREE: the user id, the data folder and the start command where the official image has them.
tree=$1
# The package made a cluster of its own and a user with the next free id.
rm -rf "$tree"/var/lib/postgresql/* "$tree"/etc/postgresql/*
chroot "$tree" groupmod --gid 999 postgres
chroot "$tree" usermod --uid 999 --gid 999 postgres
install -d -o 999 -g 999 -m 755 "$tree"/var/lib/postgresql
install -d -o 999 -g 999 -m 700 "$tree"/var/lib/postgresql/data
install -d -o 999 -g 999 -m 1777 "$tree"/run/postgresql
install -m 755 "$(dirname "$0")"/postgres-entry "$tree"/usr/local/bin/postgres-entry
