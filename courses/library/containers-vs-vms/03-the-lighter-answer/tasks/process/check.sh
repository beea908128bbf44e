fail() { echo "$1"; exit 1; }
noted=/home/learner/pid.txt
pid=$(docker inspect --type container -f '{{.State.Pid}}' cabin </dev/null 2>/dev/null)
[ "${pid:-0}" != 0 ] || fail "cabin is not running. Start it first: docker start cabin"
[ -e "$noted" ] || fail "There is no ~/pid.txt on docker yet. Write the number of cabin's first process, as docker sees it, into it."
said=$(tr -d '[:space:]' <"$noted")
[[ $said =~ ^[0-9]+$ ]] || fail "The file ~/pid.txt should hold one number and nothing else."
[ "$said" != 1 ] || fail "1 is the number inside cabin. Look from outside: docker top cabin, or ps on docker."
[ "$said" = "$pid" ] ||
    fail "Process $said is not cabin's first process. Compare with docker top cabin; after a restart of cabin the number is a new one."
echo "Process $pid on docker is process 1 in cabin."
