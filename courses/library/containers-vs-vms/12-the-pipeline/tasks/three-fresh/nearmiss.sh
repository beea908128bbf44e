# Three runs in one container, the leavings removed by hand: three passes, one name.
mkdir -p ~/reports
rm -f ~/reports/three.txt
docker run -d --name runner -v ~/job:/job:ro -v ~/reports:/reports alpine sleep infinity </dev/null
for n in 1 2 3; do docker exec runner sh -c 'rm -f /tmp/job-notes; sh /job/job.sh /reports/three.txt' </dev/null; done
docker rm -f runner </dev/null
