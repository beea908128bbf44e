# Written outside, then carried in; this works with a stopped container, too.
echo "left at noon" > /tmp/page.txt
docker cp /tmp/page.txt cabin:/logbook.txt </dev/null
