# How long it is up by now, not how long it took.
cut -d ' ' -f 1 /proc/uptime > ~/seconds.txt
