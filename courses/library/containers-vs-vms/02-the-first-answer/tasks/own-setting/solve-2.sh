# By the file itself.
su - -c 'echo 10 > /proc/sys/vm/swappiness'
