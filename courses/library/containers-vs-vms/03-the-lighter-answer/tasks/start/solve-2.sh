# Created first, started later; an open terminal keeps the shell waiting for input.
docker create -it --name cabin -h cabin alpine sh </dev/null
docker start cabin </dev/null
