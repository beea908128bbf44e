# rootfs-cache.sh restore|save TREE CACHE FRESH: keep downloaded packages for the next build.
# restore: give apt what the cache has. save: put what apt had to fetch into FRESH, and leave no package in the tree.
action=$1 archives=$2/var/cache/apt/archives cache=$3 fresh=$4
mkdir -p "$archives"
case $action in
restore)
    for deb in "$cache"/*.deb; do
        [ ! -e "$deb" ] || cp -pl "$deb" "$archives"/ 2>/dev/null || cp -p "$deb" "$archives"/
    done
    ;;
save)
    for deb in "$archives"/*.deb; do
        [ ! -e "$deb" ] || [ -e "$cache/${deb##*/}" ] || cp -p "$deb" "$fresh"/
    done
    rm -f "$archives"/*.deb
    ;;
esac
