fail() { echo "$1"; exit 1; }
noted=/home/learner/kernel.txt
[ -e "$noted" ] || fail "There is no ~/kernel.txt on box yet. Write the boot id that cabin reads into it."
[ -r "$noted" ] || fail "The file ~/kernel.txt on box is not readable. Make it readable: chmod a+r ~/kernel.txt"
said=$(tr -d '[:space:]' <"$noted" | tr '[:upper:]' '[:lower:]')
[ -n "$said" ] || fail "The file ~/kernel.txt on box is empty. Write the boot id that cabin reads into it."
echo "$said" | grep -qE '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' ||
    fail "The file ~/kernel.txt should hold one boot id and nothing else: 36 characters, in five groups with dashes between them."
[ "$said" = "$(cat /proc/sys/kernel/random/boot_id)" ] ||
    fail "This is not the boot id that cabin reads. On docker, run: docker exec cabin cat /proc/sys/kernel/random/boot_id"
echo "That is the boot id of cabin, of docker and of box: one kernel under all three."
