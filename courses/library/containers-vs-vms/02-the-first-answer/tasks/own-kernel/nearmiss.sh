# uuid is drawn anew at each reading; boot_id beside it is not.
uname -r > ~/kernel.txt
cat /proc/sys/kernel/random/uuid >> ~/kernel.txt
