# From the kernel, with a unit.
awk '/^MemTotal/ { printf "%d MiB\n", $2 / 1024 }' /proc/meminfo > /home/learner/memory.txt
