# What is free at the moment.
awk '/^MemFree/ { printf "%d\n", $2 / 1024 }' /proc/meminfo > ~/memory.txt
