# A reservation is what it gets when memory is short, not a bound.
docker run -d --name frugal --memory-reservation 32m alpine sleep infinity </dev/null
