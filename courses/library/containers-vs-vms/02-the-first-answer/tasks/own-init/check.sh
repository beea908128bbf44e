fail() { echo "$1"; exit 1; }
grep -qE '^[^#]*:(respawn|askfirst):.*sleep 4321' /etc/inittab ||
    fail "/etc/inittab has no respawn line for sleep 4321. As root, add: ::respawn:/bin/sleep 4321"
# Init needs a moment between its signal and the start.
for _ in 1 2 3 4 5 6; do
    for folder in /proc/[0-9]*; do
        case $(tr '\0' ' ' <"$folder/cmdline" 2>/dev/null) in *"sleep 4321"*) ;; *) continue ;; esac
        if grep -qE '^PPid:[[:space:]]*1$' "$folder/status" 2>/dev/null; then
            echo "Init keeps sleep 4321 running: process ${folder#/proc/}, child of process 1."
            exit 0
        fi
    done
    sleep 0.5
done
fail "The line is in /etc/inittab, but init has not started the program. As root, tell init to read the file again: kill -HUP 1"
