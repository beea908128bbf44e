# In words, and with the shim.
cat > /home/learner/chain.txt <<'CHAIN'
1. Docker client
2. dockerd, the engine
3. containerd (through its containerd-shim)
4. runc
CHAIN
