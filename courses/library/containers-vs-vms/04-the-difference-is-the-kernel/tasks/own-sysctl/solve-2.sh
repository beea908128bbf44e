# Made first, started later, from another image.
docker rm -f harbour </dev/null >/dev/null 2>&1
docker create --name harbour --sysctl=net.ipv4.ip_unprivileged_port_start=80 busybox tail -f /dev/null </dev/null
docker start harbour </dev/null
