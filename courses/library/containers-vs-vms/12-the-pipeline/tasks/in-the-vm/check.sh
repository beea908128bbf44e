fail() { echo "$1"; exit 1; }
[ -e /home/learner/report.txt ] || fail "There is no ~/report.txt on house yet. Give the job its place: sh ~/job/job.sh ~/report.txt"
grep -qF "passed on $(hostname), kernel $(uname -r)" /home/learner/report.txt ||
    fail "~/report.txt does not say that the job passed on house, with the kernel of house. If it refuses, remove /tmp/job-notes first."
[ -e /tmp/job-notes ] || fail "The report says passed, but the job has left nothing in /tmp. Run the job itself."
echo "The job passed on house, and left its notes in /tmp for the next one to trip over."
