fail() { echo "$1"; exit 1; }
report=/home/learner/reports/container.txt
[ -e "$report" ] || fail "There is no ~/reports/container.txt on ci yet. Run the job in a container that is shown the folder ~/reports."
name=$(sed -n 's/^passed on \([^,]*\), kernel .*/\1/p' "$report" | tail -n 1)
[ -n "$name" ] || fail "~/reports/container.txt has no line “passed on …”. Have the job itself write it."
[ "$name" != "$(hostname)" ] || fail "That report is from ci itself. Run the job in a container: docker run"
ran=$(docker events --since 4h --until "$(($(date +%s) + 1))" --filter type=container --filter event=die --format '{{.ID}} {{.Actor.Attributes.exitCode}}' </dev/null)
case $ran in
    *" 0"*) echo "The job passed in the container $name." ;;
    *) fail "The engine remembers no container that ended with 0. Run the job in one: docker run --rm … sh /job/job.sh" ;;
esac
