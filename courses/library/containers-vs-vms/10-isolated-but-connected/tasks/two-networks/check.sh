fail() { echo "$1"; exit 1; }
docker network inspect annex >/dev/null 2>&1 || fail "There is no network annex yet. Make it: docker network create annex"
state=$(docker inspect --type container -f '{{.State.Status}}' guest 2>/dev/null) ||
    fail "There is no container named guest yet. Start it: docker run -d --name guest --network annex alpine sleep infinity"
[ "$state" = running ] || fail "guest is $state. Remove it (docker rm -f guest) and start it with a program that lasts: sleep infinity."
docker inspect -f '{{json .NetworkSettings.Networks}}' guest | jq -e 'has("annex")' >/dev/null ||
    fail "guest is not on the network annex. Plug it in: docker network connect annex guest"
page=$(docker exec guest timeout 4 wget -qO- http://web:8000/health 2>/dev/null) ||
    fail "guest can't reach http://web:8000. Both must be on annex: docker network connect annex web"
# By name, and by every address that the store has.
for address in store $(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' store 2>/dev/null); do
    [ "$(docker exec guest sh -c "echo PING | timeout 2 nc $address 6379 2>/dev/null | head -c 5")" != +PONG ] ||
        fail "guest reaches the store as well. It may be on annex only: docker network disconnect quay guest"
done
case $page in
    *PONG*) ;;
    *) fail "guest reaches web, but web no longer reaches the store. web must be on both networks: docker network connect quay web" ;;
esac
echo "guest reaches web on annex; the store is on quay, out of its reach."
