fail() { echo "$1"; exit 1; }
state=$(docker inspect --type container -f '{{.State.Status}}' web 2>/dev/null) ||
    fail "There is no container named web yet. Start the counter with --name web, --network quay and -p 8080:8000."
[ "$state" = running ] || fail "web is $state. docker logs web says why; remove it (docker rm -f web) and start it again."
own=$(hostname -i | awk '{print $1}')
for _ in 1 2 3 4 5 6; do
    page=$(curl -s -m 4 "http://$own:8080/health" 2>/dev/null) && break
    sleep 0.4
done
if [ -z "$page" ]; then
    docker port web | grep -q '127.0.0.1' && fail "web is published for laptop itself only. Start it again with -p 8080:8000."
    [ -n "$(docker port web)" ] || fail "No port of web is published. Remove it (docker rm -f web) and start it again with -p 8080:8000."
    fail "Port 8080 of laptop does not lead to the counter. It listens on port 8000 in its container: -p 8080:8000."
fi
case $page in
    *PONG*) ;;
    *reached*) fail "web answers, but can't reach the store. Put both on one network: docker network connect quay web" ;;
    *) fail "Something answers on port 8080 of laptop, but it is not the counter. Remove it, then start the counter with -p 8080:8000." ;;
esac
[ -z "$(docker port store 2>/dev/null)" ] && ! (exec 3<>"/dev/tcp/$own/6379") 2>/dev/null ||
    fail "The store can be reached from outside, too. Remove it (docker rm -f store) and start it without -p, on the network quay."
echo "Port 8080 leads to web, web reaches store, and no port leads to store."
