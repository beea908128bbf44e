fail() { echo "$1"; exit 1; }
noted=/home/learner/seconds.txt
[ -e "$noted" ] || fail "There is no ~/seconds.txt on house yet. Write the number from the line “Run … as init process” into it."
took=$(dmesg | sed -n 's/^\[ *\([0-9.]*\)\] Run .* as init process.*/\1/p' | head -n 1)
[ -n "$took" ] || fail "The kernel's diary no longer has that line. Reboot the VM, then look again: su - -c reboot"
said=$(tr ',' '.' <"$noted" | grep -oE '[0-9]+(\.[0-9]+)?' | head -n 1)
[ -n "$said" ] || fail "There is no number in ~/seconds.txt. Write the seconds into it, for example 1.5."
# Rounded to a tenth is exact enough.
if awk -v a="$said" -v b="$took" 'BEGIN { d = a - b; exit !(d < 0.06 && d > -0.06) }'; then
    echo "The kernel of house took $took s, as its diary says."
    exit 0
fi
fail "You wrote $said, and the diary says otherwise. Asked for is the number in front of “Run … as init process”."
