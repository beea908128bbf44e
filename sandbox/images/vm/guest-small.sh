# guest-small.sh TREE FILES: make the small guest's root under TREE/guest, out of the packages that are unpacked in
# TREE. FILES: our own files of it, laid over. The same root is what the VM boots and what the container image
# `slipway/guest` holds, so nothing in it may depend on which of the two it runs in.
tree=$1 files=$2 root=$1/guest
for folder in usr/bin usr/sbin usr/lib/slipway usr/lib64 etc proc sys dev run root home var/log; do
    mkdir -p "$root/$folder"
done
for link in bin sbin lib lib64; do ln -s "usr/$link" "$root/$link"; done
install -d -m 1777 "$root"/tmp "$root"/var/tmp
ln -s ../run "$root"/var/run

with_libraries() {
    cp "$tree/$1" "$root/$1"
    chroot "$tree" /lib64/ld-linux-x86-64.so.2 --list "/$1" | grep -o '/[^ ]*' | while read -r library; do
        mkdir -p "$root/${library%/*}"
        [ -e "$root/$library" ] || cp -L "$tree/$library" "$root/$library"
    done
}
# The dynamic busybox: the static one crashes on a host name. lscpu is util-linux's, because busybox has none and it
# is what shows a hypervisor.
with_libraries usr/bin/busybox
with_libraries usr/bin/bash
with_libraries usr/bin/lscpu
chroot "$tree" /usr/bin/busybox --list-full | while read -r command; do
    mkdir -p "$root/${command%/*}"
    [ -L "$root/$command" ] || [ -e "$root/$command" ] || ln -s /usr/bin/busybox "$root/$command"
done
# A program of its own, because only `su` may keep the right to become root. Whoever has the guest has all of it.
rm -f "$root"/usr/bin/su
cp "$tree"/usr/bin/busybox "$root"/usr/bin/su
mkdir -p "$root"/usr/share/terminfo/x "$root"/usr/share/terminfo/l
for terminal in x/xterm-256color x/xterm l/linux; do
    for folder in lib/terminfo usr/lib/terminfo usr/share/terminfo; do
        [ ! -e "$tree/$folder/$terminal" ] || cp -L "$tree/$folder/$terminal" "$root/usr/share/terminfo/$terminal"
    done
done
cp -a --no-preserve=ownership "$files"/. "$root"/
cp "$tree"/etc/os-release "$root"/etc/os-release
sed -i 's/^PRETTY_NAME=.*/PRETTY_NAME="Slipway small guest (busybox from Debian 13)"/' "$root"/etc/os-release
chown -R 0:0 "$root"
chmod 4755 "$root"/usr/bin/su
install -d -o 1000 -g 1000 -m 755 "$root"/home/learner
cp "$root"/etc/skel/.[!.]* "$root"/home/learner/
chown -R 1000:1000 "$root"/home/learner
chmod 700 "$root"/root
chmod 640 "$root"/etc/shadow
