# debian.sh TREE: the common lower layer.
tree=$1
rm -rf "$tree"/usr/share/zoneinfo/right "$tree"/usr/share/zoneinfo/posix
