# The same image, but another container.
docker run --name guest alpine sh -c 'echo "moored at berth 7" > /logbook.txt' </dev/null
