fail() { echo "$1"; exit 1; }
noted=/home/learner/memory.txt
[ -e "$noted" ] || fail "There is no ~/memory.txt on house yet. Write the total from free -m into it."
said=$(grep -oE '[0-9]+' "$noted" | head -n 1)
[ -n "$said" ] || fail "There is no number in ~/memory.txt. Write the MiB into it."
total_kib=$(awk '/^MemTotal/ { print $2 }' /proc/meminfo)
total=$((total_kib / 1024))
if [ "$said" -ge $((total - 1)) ] && [ "$said" -le $((total + 1)) ]; then
    echo "The kernel of house manages $total MiB. The rest of what the VM was given holds the kernel itself."
    exit 0
fi
[ "$said" -lt 4096 ] || fail "$said looks like kB. 1 MiB is 1024 kB; free -m shows MiB."
fail "You wrote $said. Asked for is the total, not what is free or used: the first number in the line Mem of free -m."
