fail() { echo "$1"; exit 1; }
noted=/home/learner/kernel.txt
[ -e "$noted" ] || fail "There is no ~/kernel.txt on house yet. Write the kernel's release and its boot id into it."
grep -qF "$(uname -r)" "$noted" && release=found
grep -qiF "$(cat /proc/sys/kernel/random/boot_id)" "$noted" && boot=found
case $release,$boot in
    found,found) echo "Release and boot id of house's own kernel are noted." ;;
    found,) fail "The release is right. The boot id is missing, or from another boot: it is in /proc/sys/kernel/random/boot_id." ;;
    ,found) fail "The boot id is right. The release is missing: uname -r prints it." ;;
    *) fail "Neither the release nor the boot id of house is in ~/kernel.txt. The line below the terminal names the host's kernel; asked for is the one above it." ;;
esac
