fail() { echo "$1"; exit 1; }
report=/home/learner/reports/three.txt
[ -e "$report" ] || fail "There is no ~/reports/three.txt on ci yet. Have three runs write into it."
passes=$(grep -c '^passed on ' "$report")
names=$(sed -n 's/^passed on \([^,]*\), .*/\1/p' "$report" | grep -vx "$(hostname)" | sort -u | wc -l)
[ "$names" -ge 3 ] || fail "~/reports/three.txt has $passes passes from $names different containers. Use docker run for each of three runs."
ran=$(docker events --since 4h --until "$(($(date +%s) + 1))" --filter type=container --filter event=die --format '{{.ID}} {{.Actor.Attributes.exitCode}}' </dev/null | grep ' 0$' | sort -u | wc -l)
[ "$ran" -ge 3 ] || fail "The engine remembers $ran containers that ended with 0. Run the job in three of them."
echo "Three passes from $names containers: none could trip over what another left."
