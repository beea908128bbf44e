mkdir -p ~/reports
docker run --rm -v ~/job:/job:ro -v ~/reports:/reports alpine sh /job/job.sh /reports/container.txt </dev/null
