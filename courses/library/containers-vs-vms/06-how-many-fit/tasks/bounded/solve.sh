docker rm -f frugal </dev/null >/dev/null 2>&1
docker run -d --name frugal --memory 32m alpine sleep infinity </dev/null
