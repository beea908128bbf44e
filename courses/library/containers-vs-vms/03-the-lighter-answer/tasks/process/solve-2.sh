# From the table of docker top, with the blanks that a hand-made file may have.
docker top cabin -o pid </dev/null | awk 'NR == 2 {print " " $1 " "}' > /home/learner/pid.txt
