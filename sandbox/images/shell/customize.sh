# customize.sh TREE: what packages alone don't give the `shell` machine.
tree=$1
chroot "$tree" useradd --create-home --uid 1000 --shell /bin/bash learner
# No program may raise its rights: with no-new-privileges these bits do nothing anyway, and a scan should find none.
find "$tree" -xdev -type f -perm /6000 -exec chmod ug-s {} +
# `pip install --user` works without a network, from the wheels in the image.
rm -f "$tree"/usr/lib/python3*/EXTERNALLY-MANAGED
printf '[global]\nno-index = true\nfind-links = /usr/share/slipway/wheels\ndisable-pip-version-check = true\n' >"$tree"/etc/pip.conf
ln -sf python3 "$tree"/usr/bin/python
ln -sf vim "$tree"/usr/bin/vi
