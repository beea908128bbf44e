# Rounded, with the unit behind it.
su - -c dmesg | awk -F '[][]' '/as init process/ { printf "%.1f s\n", $2 }' > /home/learner/seconds.txt
