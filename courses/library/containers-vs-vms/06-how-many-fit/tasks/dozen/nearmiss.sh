# Twelve were started, and each ended at once.
for n in $(seq 1 12); do docker run -d --rm alpine true </dev/null; done
