# busybox.sh TREE: a tree of its own under TREE/stand-in: busybox, one link per command, and the C library. Debian's
# static busybox is no choice: without the C library's name service it crashes on a host name.
tree=$1 root=$1/stand-in
mkdir -p "$root"/bin "$root"/sbin "$root"/usr/bin "$root"/usr/sbin "$root"/etc "$root"/root "$root"/home "$root"/var \
    "$root"/proc "$root"/sys "$root"/dev "$root"/run
install -d -m 1777 "$root"/tmp "$root"/var/tmp
cp "$tree"/bin/busybox "$root"/bin/busybox
chroot "$tree" busybox --list-full | while read -r command; do
    mkdir -p "$root/${command%/*}"
    [ -L "$root/$command" ] || [ -e "$root/$command" ] || ln -s /bin/busybox "$root/$command"
done
[ -L "$root"/bin/sh ] || ln -s /bin/busybox "$root"/bin/sh
chroot "$tree" ldd /bin/busybox | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$root/${library%/*}"
    cp -L "$tree/$library" "$root/$library"
done
printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root"/etc/passwd
printf 'root:x:0:\nnobody:x:65534:\n' >"$root"/etc/group
printf 'hosts: files dns\n' >"$root"/etc/nsswitch.conf
