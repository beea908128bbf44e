# It passed, but nobody wrote it down.
rm -f /tmp/job-notes
sh ~/job/job.sh
