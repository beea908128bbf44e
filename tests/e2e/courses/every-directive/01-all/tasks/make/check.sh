[ -e /home/learner/made ] || { echo "There is no ~/made yet. Make it."; exit 1; }
echo "It is there."
