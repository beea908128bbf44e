# debian.sh TREE: the common lower layer. Fewer files make `docker build` faster: the learner's engine compares whole
# trees when it commits a layer.
tree=$1
rm -rf "$tree"/usr/lib/*/gconv "$tree"/usr/share/zoneinfo/right "$tree"/usr/share/zoneinfo/posix
