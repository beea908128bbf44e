# With names of their own, what they print gathered outside.
for name in stem stern keel; do
    docker run --rm --hostname $name -v /home/learner/job:/job:ro busybox sh /job/job.sh </dev/null
done > /tmp/three.txt
mkdir -p /home/learner/reports && mv /tmp/three.txt /home/learner/reports/three.txt
