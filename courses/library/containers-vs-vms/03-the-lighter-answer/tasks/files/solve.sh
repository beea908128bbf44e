docker exec cabin sh -c 'echo "moored at berth 7" > /logbook.txt' </dev/null
