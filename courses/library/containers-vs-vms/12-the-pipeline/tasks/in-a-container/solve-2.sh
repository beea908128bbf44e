# Without shared folders: copied in, copied out.
mkdir -p /home/learner/reports
docker create --name job-run busybox sh /job/job.sh /tmp/report.txt </dev/null
docker cp /home/learner/job job-run:/job </dev/null
docker start -a job-run </dev/null
docker cp job-run:/tmp/report.txt /home/learner/reports/container.txt </dev/null
docker rm job-run </dev/null
