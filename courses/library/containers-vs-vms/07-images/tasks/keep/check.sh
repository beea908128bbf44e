fail() { echo "$1"; exit 1; }
layers() { docker image inspect -f '{{range .RootFS.Layers}}{{println .}}{{end}}' "$1" 2>/dev/null | sed '/^$/d'; }
page=/usr/share/nginx/html/index.html
docker image inspect harbour:1 >/dev/null 2>&1 ||
    fail "There is no image harbour:1 on laptop yet. Make one of the container green: docker commit green harbour:1"
base=$(layers nginx:alpine) own=$(layers harbour:1)
[ -n "$base" ] || fail "The image nginx:alpine is gone from laptop. Reset the machine to get it back."
[ "$own" != "$base" ] || fail "harbour:1 has the layers of nginx:alpine and none of its own. Make it of the container with the new page: docker commit green harbour:1"
case $own in
    "$base"*) ;;
    *) fail "harbour:1 does not stand on nginx:alpine. Make it of a container that was started from nginx:alpine." ;;
esac
# The page as it lies in an image, without starting anything.
text() {
    local id
    id=$(docker create "$1" 2>/dev/null) || return
    docker cp -L "$id:/usr/share/nginx/html/index.html" - 2>/dev/null | tar -xO 2>/dev/null
    docker rm "$id" >/dev/null
}
own_page=$(text harbour:1)
[ -n "$own_page" ] || fail "harbour:1 has no page at $page. Commit a container that has one."
[ "$own_page" != "$(text nginx:alpine)" ] ||
    fail "harbour:1 has a layer of its own, but the page is still that of nginx:alpine. Commit the container whose page you changed: green."
echo "harbour:1 stands on the layers of nginx:alpine, with your page on top."
