echo deep > /home/learner/word
