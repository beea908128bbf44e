mkdir -p ~/reports
rm -f ~/reports/three.txt
for n in 1 2 3; do
    docker run --rm -v ~/job:/job:ro -v ~/reports:/reports alpine sh /job/job.sh /reports/three.txt </dev/null
done
