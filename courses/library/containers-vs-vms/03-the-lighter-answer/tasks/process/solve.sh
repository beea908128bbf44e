docker inspect -f '{{.State.Pid}}' cabin </dev/null > ~/pid.txt
