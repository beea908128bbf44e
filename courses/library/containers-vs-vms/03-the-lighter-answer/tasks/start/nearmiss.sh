# Everything is right but the command: the shell reads end of input and ends.
docker run -d --name cabin --hostname cabin alpine </dev/null
sleep 1
