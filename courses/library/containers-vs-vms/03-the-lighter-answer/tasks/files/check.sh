fail() { echo "$1"; exit 1; }
docker inspect --type container cabin </dev/null >/dev/null 2>&1 ||
    fail "There is no container named cabin. Start it again: docker run -d --name cabin --hostname cabin alpine sleep infinity"
words=$(docker cp -L cabin:/logbook.txt - </dev/null 2>/dev/null | tar -xO 2>/dev/null | head -c 4096 | tr -d '\0[:space:]')
if [ -z "$words" ]; then
    docker cp cabin:/logbook.txt - </dev/null >/dev/null 2>&1 &&
        fail "cabin has /logbook.txt, but it is empty. Write a word into it, from inside: docker exec cabin sh -c '...'"
    fail "cabin has no /logbook.txt. A file written on docker or in another container is not in cabin: use docker exec cabin or docker cp."
fi
[ ! -e /logbook.txt ] || fail "There is a /logbook.txt on docker as well. Remove that one; only cabin should have it."
echo "cabin has /logbook.txt, docker has not."
