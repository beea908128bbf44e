# Afterwards, while it runs, and tighter.
docker rm -f frugal </dev/null >/dev/null 2>&1
docker run -d --name frugal busybox sleep infinity </dev/null
docker update --memory 16m --memory-swap 16m frugal </dev/null
