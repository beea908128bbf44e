fail() { echo "$1"; exit 1; }
state=$(docker inspect --type container -f '{{.State.Status}}' harbour </dev/null 2>/dev/null) ||
    fail "There is no container named harbour on box yet. Run one with --sysctl."
[ "$state" = running ] || fail "harbour exists, but it is $state. Give it a program that lasts, such as sleep infinity."
now=$(docker exec harbour cat /proc/sys/net/ipv4/ip_unprivileged_port_start </dev/null 2>/dev/null)
[ "$now" = 80 ] ||
    fail "In harbour the setting is ${now:-not readable}. Remove it (docker rm -f harbour) and run it with --sysctl net.ipv4.ip_unprivileged_port_start=80"
echo "In harbour ordinary users may listen from port 80 on."
