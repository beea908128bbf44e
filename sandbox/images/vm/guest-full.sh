# guest-full.sh TREE: what packages alone don't give the full guest.
tree=$1
chroot "$tree" useradd --create-home --uid 1000 --shell /bin/bash learner
chroot "$tree" usermod --password "$(sed -n 's/^learner:\([^:]*\):.*/\1/p' "$tree"/usr/lib/slipway/shadow)" learner
rm -f "$tree"/usr/lib/slipway/shadow
# Whoever has the guest has all of it: `su -` asks for nothing.
chroot "$tree" passwd --delete root
printf '/dev/vda / ext4 rw,noatime 0 1\n' >"$tree"/etc/fstab
printf 'house\n' >"$tree"/etc/hostname
printf '127.0.0.1 localhost\n' >"$tree"/etc/hosts
ln -sf python3 "$tree"/usr/bin/python 2>/dev/null || true
# The gate and the control port take their place.
for unit in serial-getty@ttyS0.service getty@tty1.service getty-static.service console-getty.service \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
    systemd-timesyncd.service systemd-networkd.service systemd-networkd-wait-online.service systemd-pcrphase.service \
    systemd-firstboot.service systemd-hwdb-update.service ldconfig.service systemd-journal-catalog-update.service; do
    ln -sf /dev/null "$tree"/etc/systemd/system/"$unit"
done
mkdir -p "$tree"/etc/systemd/system/multi-user.target.wants "$tree"/etc/systemd/system/sysinit.target.wants
ln -sf /etc/systemd/system/slipway-console.service "$tree"/etc/systemd/system/multi-user.target.wants/
ln -sf /etc/systemd/system/slipway-agent.service "$tree"/etc/systemd/system/sysinit.target.wants/
# Kept in memory: a journal on disk is written at every start, and the disk is a copy of everybody's.
mkdir -p "$tree"/etc/systemd/journald.conf.d
printf '[Journal]\nStorage=volatile\nRuntimeMaxUse=8M\n' >"$tree"/etc/systemd/journald.conf.d/slipway.conf
: >"$tree"/etc/motd
# Completion's 90 KiB are read at the first Tab that wants them, and not before every first prompt: read by an
# emulated processor they take longer than everything else in a shell's start.
completion=/usr/share/bash-completion/bash_completion
chroot "$tree" dpkg-divert --local --rename --divert $completion.whole --add $completion
cat >"$tree"$completion <<X
_slipway_load_completion() { . $completion.whole && return 124; }
complete -D -F _slipway_load_completion
X
chmod 0600 "$tree"/etc/shadow
