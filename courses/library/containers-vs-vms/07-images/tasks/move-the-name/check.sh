fail() { echo "$1"; exit 1; }
image_id() { docker image inspect -f '{{.Id}}' "$1" 2>/dev/null; }
# The page as it lies in an image, without starting anything.
text() {
    local id
    id=$(docker create "$1" 2>/dev/null) || return
    docker cp -L "$id:/usr/share/nginx/html/index.html" - 2>/dev/null | tar -xO 2>/dev/null
    docker rm "$id" >/dev/null
}
one=$(image_id harbour:1) || fail "harbour:1 is gone. Make it again: docker commit green harbour:1"
two=$(image_id harbour:2) || fail "There is no image harbour:2 yet. Change the page in a container and commit that container as harbour:2."
[ "$one" != "$two" ] || fail "harbour:1 and harbour:2 are two names of one image. Commit a container with another page as harbour:2."
[ "$(text harbour:1)" != "$(text harbour:2)" ] || fail "harbour:2 is another image, but its page is that of harbour:1. Change the page in a container, then commit it as harbour:2."
latest=$(image_id harbour:latest) || fail "There is no harbour:latest yet. Point that name at harbour:2: docker tag harbour:2 harbour:latest"
[ "$latest" = "$two" ] || fail "harbour:latest does not point at harbour:2. Move it: docker tag harbour:2 harbour:latest"
found=$(docker inspect --type container -f '{{.State.Status}} {{.Image}}' first 2>/dev/null) ||
    fail "There is no container named first. Start it: docker run -d --name first harbour:1"
[ "${found#* }" = "$one" ] || fail "The container first was not made from harbour:1. Remove it (docker rm -f first) and start it again: docker run -d --name first harbour:1"
[ "${found% *}" = running ] || fail "The container first is ${found% *}. Start it: docker start first"
echo "harbour:latest has moved to harbour:2; first goes on running from harbour:1, which is what it was."
