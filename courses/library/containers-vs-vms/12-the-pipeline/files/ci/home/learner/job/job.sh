#!/bin/sh
# The pipeline's job: add up the price list, compare, report. It wants a machine that nobody has used before.
#   sh job.sh [REPORT]     adds a line to REPORT, or prints it
report=$1
notes=/tmp/job-notes
cd "$(dirname "$0")" || exit 1
if [ -e "$notes" ]; then
    echo "failed on $(hostname): $notes is there, left by an earlier run" >&2
    exit 1
fi
awk -F, 'NR > 1 { total += $2 } END { printf "%.2f\n", total }' prices.csv > "$notes"
if [ "$(cat "$notes")" != 41.30 ]; then
    echo "failed on $(hostname): the total is $(cat "$notes")" >&2
    exit 1
fi
line="passed on $(hostname), kernel $(uname -r)"
if [ -n "$report" ]; then echo "$line" >> "$report"; else echo "$line"; fi
