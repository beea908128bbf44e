fail() { echo "$1"; exit 1; }
state=$(docker inspect --type container -f '{{.State.Status}}' frugal </dev/null 2>/dev/null) ||
    fail "There is no container named frugal on box yet. Run one with --memory 32m."
[ "$state" = running ] || fail "frugal exists, but it is $state. Give it a program that lasts, such as sleep infinity."
limit=$(docker inspect --type container -f '{{.HostConfig.Memory}}' frugal </dev/null)
[ "$limit" -gt 0 ] || fail "frugal has no bound. A reservation (--memory-reservation) is none; --memory 32m is."
[ "$limit" -le 33554432 ] || fail "frugal may use $((limit / 1048576)) MiB. Bound it to 32: docker update --memory 32m --memory-swap 32m frugal"
echo "frugal may use at most $((limit / 1048576)) MiB. Until it does, others can."
