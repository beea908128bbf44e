fail() { echo "$1"; exit 1; }
image=$(docker image inspect -f '{{.Id}}' ferry:1 </dev/null 2>/dev/null) ||
    fail "The image ferry:1 is gone. Build it again: docker build -t ferry:1 ."

running=$(docker ps -q </dev/null | while read -r id; do
    [ "$(docker inspect -f '{{.Image}}' "$id" </dev/null)" = "$image" ] && echo "$id"
done)
[ -n "$running" ] ||
    fail "No running container was made from ferry:1. Start one: docker run -d -p 5000:5000 ferry:1. If it stopped at once, docker logs says why."

port=$(docker ps -q --filter publish=5000 </dev/null | head -1)
[ -n "$port" ] ||
    fail "A container from ferry:1 runs, but port 5000 is not published. EXPOSE does not do it: remove the container and start it with -p 5000:5000."
echo "$running" | grep -q "$port" ||
    fail "Port 5000 of laptop belongs to a container from another image. Remove that one, then start one from ferry:1."

# The app may need a moment after its container has started.
for _ in 1 2 3 4 5 6; do
    page=$(curl -fsS -m 1 http://localhost:5000/ </dev/null 2>/dev/null) && break
    sleep 0.4
done
[ -n "$page" ] ||
    fail "Port 5000 is published, but no page comes back. Does the app listen on 0.0.0.0 and port 5000? See docker logs $(docker inspect -f '{{.Name}}' "$port" </dev/null | tr -d /)."
echo "The app answers on port 5000 of laptop, from a container made from ferry:1."
