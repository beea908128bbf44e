fail() { echo "$1"; exit 1; }
docker network inspect quay >/dev/null 2>&1 || fail "There is no network quay on laptop yet. Make it: docker network create quay"
state=$(docker inspect --type container -f '{{.State.Status}}' store 2>/dev/null) ||
    fail "There is no container named store yet. Start it: docker run -d --name store --network quay redis:alpine"
[ "$state" = running ] || fail "store is $state. Start it: docker start store"
[ -z "$(docker port store)" ] ||
    fail "store has a published port, so everybody who reaches laptop reaches it. Remove it (docker rm -f store) and start it without -p."
docker inspect -f '{{json .NetworkSettings.Networks}}' store | jq -e 'has("quay")' >/dev/null ||
    fail "store is not on the network quay. Plug it in: docker network connect quay store"
# A store that has just started may need a moment.
for _ in 1 2 3; do
    [ "$(docker run --rm --network quay redis:alpine redis-cli -h store ping 2>/dev/null)" = PONG ] && answered=yes && break
    sleep 0.3
done
[ "$answered" = yes ] || fail "store is on quay, but does not answer there. docker logs store says why; was it made from redis:alpine?"
echo "Whoever is on quay reaches store by its name, and no port of it is published."
