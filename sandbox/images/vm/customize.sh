# customize.sh TREE: what packages alone don't give the `vm` machine.
tree=$1
chroot "$tree" useradd --create-home --uid 1000 --shell /bin/bash learner
find "$tree" -xdev -type f -perm /6000 -exec chmod ug-s {} +
# A volume takes over the owner of what it covers.
install -d -o 1000 -g 1000 "$tree"/snapshots
chmod 0775 "$tree"/home/learner "$tree"/run
# Of QEMU only the one program and its firmware: other machines, boards, sound and screens are never used.
cd "$tree"/usr/bin
rm -f qemu-system-i386 qemu-system-amd64 qemu-system-x86_64-microvm qemu-io qemu-nbd qemu-pr-helper \
    qemu-storage-daemon qemu-vmsr-helper
find "$tree"/usr/share/qemu -type f ! -name qboot.rom ! -name linuxboot.bin ! -name linuxboot_dma.bin ! -name pvh.bin \
    -delete
find "$tree"/usr/share/seabios -type f ! -name bios-microvm.bin -delete
rm -rf "$tree"/usr/lib/x86_64-linux-gnu/qemu/*
guests=/usr/lib/slipway/guests
chroot "$tree" qemu-img convert -O qcow2 -c -o compression_type=zstd $guests/full.ext4 $guests/full.qcow2
chmod 644 "$tree"$guests/full.qcow2
rm "$tree"$guests/full.ext4
# The root is read-only at run time: what is not compiled now is compiled at every start.
chroot "$tree" /usr/bin/python3 -m compileall -q /usr/local/lib/slipway/machine /usr/lib/python3.13
