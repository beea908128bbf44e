# On the machine itself.
mkdir -p ~/reports
rm -f /tmp/job-notes
sh ~/job/job.sh ~/reports/container.txt
rm -f /tmp/job-notes
