# Printed, and caught by the shell.
rm -f /tmp/job-notes && cd ~/job && sh ./job.sh > /home/learner/report.txt
