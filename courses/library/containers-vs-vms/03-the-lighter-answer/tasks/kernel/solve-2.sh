# Copied by hand from the other terminal: no newline, capitals.
printf '%s' "$(tr '[:lower:]' '[:upper:]' < /proc/sys/kernel/random/boot_id)" > /home/learner/kernel.txt
