rm -f /tmp/job-notes
sh ~/job/job.sh ~/report.txt
