for n in $(seq 1 12); do docker run -d alpine sleep infinity </dev/null; done
