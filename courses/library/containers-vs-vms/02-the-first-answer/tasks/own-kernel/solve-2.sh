# From other places, in the other order, with words around them.
printf 'boot id: %s\n' "$(cat /proc/sys/kernel/random/boot_id | tr 'a-f' 'A-F')" > /home/learner/kernel.txt
cat /proc/version >> /home/learner/kernel.txt
