fail() { echo "$1"; exit 1; }
page=/usr/share/nginx/html/index.html
image=$(docker image inspect -f '{{.Id}}' nginx:alpine 2>/dev/null) ||
    fail "The image nginx:alpine is gone from laptop. Reset the machine to get it back."
for name in red green blue; do
    found=$(docker inspect --type container -f '{{.State.Status}} {{.Image}}' "$name" 2>/dev/null) ||
        fail "There is no container named $name yet. Start it: docker run -d --name $name nginx:alpine"
    [ "${found#* }" = "$image" ] || fail "$name was not made from nginx:alpine. Remove it (docker rm -f $name) and start it from nginx:alpine."
    [ "${found% *}" = running ] || fail "$name exists, but is ${found% *}. Start it: docker start $name"
done
changed() { docker diff "$1" | grep -qE "^[ACD] $page\$"; }
for name in red blue; do
    ! changed "$name" || fail "The page of $name was changed too. Remove it (docker rm -f $name) and start it again; change green only."
done
changed green || fail "The page of green is still the image's. Write another one into $page, inside green: docker exec green sh -c '...'"
[ -n "$(docker exec green cat "$page" 2>/dev/null)" ] || fail "green has no page any more. Write one into $page, inside green."
echo "Three containers stand on one image, and only green has a page of its own."
