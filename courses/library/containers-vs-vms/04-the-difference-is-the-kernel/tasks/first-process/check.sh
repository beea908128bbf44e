fail() { echo "$1"; exit 1; }
state() { docker inspect --type container -f '{{.State.Status}} {{.State.ExitCode}}' "$1" </dev/null 2>/dev/null; }
left=$(state left) || fail "There is no container named left on box. If it is removed, run it again and only kill its process."
right=$(state right) || fail "There is no container named right on box yet. Run it beside left."
[ "${right% *}" = running ] || fail "right is ${right% *}, but should be running. Start it again: docker start right"
case $left in
    running*) fail "left is still running. Signals from inside don't reach its process 1; send one from outside, with docker kill or kill." ;;
    "exited 137") echo "left has exited with 137, killed by signal 9. right did not notice." ;;
    *) fail "left is ${left% *} with exit code ${left#* }. Start it again, then end its first process with SIGKILL." ;;
esac
