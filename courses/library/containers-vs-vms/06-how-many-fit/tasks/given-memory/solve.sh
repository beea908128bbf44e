free -m | awk '/^Mem/ { print $2 }' > ~/memory.txt
