# rootfs-clean.sh TREE SOURCES: take everything out of a finished tree that belongs to the host or to one moment,
# so that an image says nothing about the machine that built it and two builds of the same packages are alike.
tree=$1 sources=$2
rm -rf "$tree"/etc/apt/sources.list.d/* "$tree"/etc/apt/auth.conf "$tree"/etc/apt/auth.conf.d/* \
    "$tree"/etc/apt/apt.conf.d/99mmdebstrap "$tree"/etc/dpkg/dpkg.cfg.d/99mmdebstrap \
    "$tree"/var/lib/apt/lists/* "$tree"/var/cache/apt/* "$tree"/var/cache/debconf/*-old \
    "$tree"/var/cache/ldconfig/aux-cache "$tree"/var/lib/dpkg/*-old "$tree"/var/log/* "$tree"/tmp/* "$tree"/root/.cache
install -m 644 "$sources" "$tree"/etc/apt/sources.list
mkdir -p "$tree"/var/lib/apt/lists/partial "$tree"/var/cache/apt/archives/partial
# The engine writes these per container.
rm -f "$tree"/etc/hostname "$tree"/etc/resolv.conf "$tree"/etc/machine-id
