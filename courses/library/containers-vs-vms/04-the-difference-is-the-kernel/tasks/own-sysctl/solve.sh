docker rm -f harbour </dev/null >/dev/null 2>&1
docker run -d --name harbour --sysctl net.ipv4.ip_unprivileged_port_start=80 alpine sleep infinity </dev/null
