fail() { echo "$1"; exit 1; }
noted=/home/learner/starts.txt
[ -e "$noted" ] || fail "There is no ~/starts.txt on box yet. Measure five starts and write the seconds into it, one a line."
numbers=$(tr ',' '.' <"$noted" | grep -oE '^[[:space:]]*(real[[:space:]]+)?(0m)?[0-9]+(\.[0-9]+)?s?[[:space:]]*$' | grep -oE '[0-9]+(\.[0-9]+)?s?[[:space:]]*$' | tr -d 's' )
count=$(printf '%s\n' "$numbers" | grep -c .)
[ "$count" -ge 5 ] || fail "~/starts.txt has $count lines with a number of seconds. Five are asked for, one a line."
started=$(docker events --since 2h --until "$(($(date +%s) + 1))" --filter type=container --filter event=start --format '{{.ID}}' </dev/null | sort -u | wc -l)
[ "$started" -ge 5 ] || fail "The engine remembers $started containers that were started. Measure real starts: docker run"
printf '%s\n' "$numbers" | awk '$1 <= 0 || $1 > 60 { bad = 1 } END { exit bad }' ||
    fail "One of the numbers in ~/starts.txt can't be a start: it is 0, or more than a minute."
middle=$(printf '%s\n' "$numbers" | sort -n | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }')
echo "Five starts are measured; the median is $middle s."
