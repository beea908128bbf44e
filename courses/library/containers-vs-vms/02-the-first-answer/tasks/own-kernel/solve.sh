uname -r > ~/kernel.txt
cat /proc/sys/kernel/random/boot_id >> ~/kernel.txt
