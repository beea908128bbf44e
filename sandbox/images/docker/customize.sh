# customize.sh TREE: what packages alone don't give the `docker` machine.
tree=$1
chroot "$tree" useradd --create-home --uid 1000 --shell /bin/bash learner
# The platform writes another range into each machine; this one serves the build of the seed.
echo learner:100000:65536 >"$tree"/etc/subuid
echo learner:100000:65536 >"$tree"/etc/subgid
# No setuid programs at all. Debian's setuid newuidmap wants CAP_SYS_ADMIN; with one file capability each, these
# two do all that rootlesskit needs.
find "$tree" -xdev -type f -perm /6000 -exec chmod ug-s {} +
setcap=$(chroot "$tree" sh -c 'command -v setcap')
chroot "$tree" "$setcap" cap_setuid=ep /usr/bin/newuidmap
chroot "$tree" "$setcap" cap_setgid=ep /usr/bin/newgidmap
mkdir -p "$tree"/run/user/1000 "$tree"/run/slipway "$tree"/home/learner/.local/share/docker "$tree"/seed-images
chown -R 1000:1000 "$tree"/run/user/1000 "$tree"/run/slipway "$tree"/home/learner
ln -sf python3 "$tree"/usr/bin/python
ln -sf vim "$tree"/usr/bin/vi
