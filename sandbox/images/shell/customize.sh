# customize.sh TREE: what packages alone don't give the `shell` machine.
tree=$1
chroot "$tree" useradd --create-home --uid 1000 --shell /bin/bash learner
# No program may raise its rights: with no-new-privileges these bits do nothing anyway, and a scan should find none.
find "$tree" -xdev -type f -perm /6000 -exec chmod ug-s {} +
# `pip install --user` works without a network, from the wheels in the image.
rm -f "$tree"/usr/lib/python3*/EXTERNALLY-MANAGED
printf '[global]\nno-index = true\nfind-links = /usr/share/slipway/wheels\ndisable-pip-version-check = true\n' >"$tree"/etc/pip.conf
# A tmpfs gets the mode of the folder that it covers, whatever its own `mode=` says; group 0 and 0775 let root, which
# has no capabilities here, set a machine up and read what the learner made.
chmod 0775 "$tree"/home/learner "$tree"/opt "$tree"/srv "$tree"/run
ln -sf python3 "$tree"/usr/bin/python
ln -sf vim "$tree"/usr/bin/vi
