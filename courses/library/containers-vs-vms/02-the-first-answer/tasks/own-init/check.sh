fail() { echo "$1"; exit 1; }
grep -qE '^[^#]*:(respawn|askfirst):.*sleep 4321' /etc/inittab ||
    fail "/etc/inittab has no respawn line for sleep 4321. As root, add: ::respawn:/bin/sleep 4321"
# Init needs a moment between its signal and the start. One grep finds its children, whatever the host is busy with.
for _ in 1 2 3; do
    for status in $(grep -l '^PPid:[[:space:]]*1$' /proc/[0-9]*/status 2>/dev/null); do
        folder=${status%/status}
        case $(tr '\0' ' ' <"$folder/cmdline" 2>/dev/null) in
            *"sleep 4321"*)
                echo "Init keeps sleep 4321 running: process ${folder#/proc/}, child of process 1."
                exit 0
                ;;
        esac
    done
    sleep 1
done
fail "The line is in /etc/inittab, but init has not started the program. As root, tell init to read the file again: kill -HUP 1"
