# Written from inside, where the file is read-only.
docker run -d --name harbour alpine sleep infinity </dev/null
docker exec harbour sh -c 'echo 80 > /proc/sys/net/ipv4/ip_unprivileged_port_start' </dev/null
true
