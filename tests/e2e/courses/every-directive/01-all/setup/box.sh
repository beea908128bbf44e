echo done > /home/learner/set-up.txt
