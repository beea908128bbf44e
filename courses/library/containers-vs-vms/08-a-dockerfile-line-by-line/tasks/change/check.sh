fail() { echo "$1"; exit 1; }
image_id() { docker image inspect -f '{{.Id}}' "$1" </dev/null 2>/dev/null; }
layers() { docker image inspect -f '{{range .RootFS.Layers}}{{println .}}{{end}}' "$1" </dev/null | sed '/^$/d'; }

old=$(image_id ferry:1) || fail "ferry:1 is gone, so there is nothing to compare with. Undo the change, build ferry:1, then change app.py again and build ferry:2."
new=$(image_id ferry:2) || fail "There is no image ferry:2 yet. Change a line in app.py, then run: docker build -t ferry:2 ."
[ "$old" != "$new" ] ||
    fail "ferry:1 and ferry:2 are two names of one image. Change a line in app.py and build again: docker build -t ferry:2 ."

if [ "$(layers ferry:1 | sed '$d')" != "$(layers ferry:2 | sed '$d')" ]; then
    fail "ferry:2 shares too few layers with ferry:1: something before the last COPY was built anew. Change only app.py and build ferry:2 without --no-cache."
fi
[ "$(layers ferry:1 | tail -n 1)" != "$(layers ferry:2 | tail -n 1)" ] ||
    fail "ferry:2 holds the same files as ferry:1. Change a line in app.py, save it, and build ferry:2 again."

port=$(docker ps -q --filter publish=5000 </dev/null | head -1)
[ -n "$port" ] ||
    fail "ferry:2 is built, but no container has port 5000. Start one: docker run -d --name ferry -p 5000:5000 ferry:2"
[ "$(docker inspect -f '{{.Image}}' "$port" </dev/null)" = "$new" ] ||
    fail "Port 5000 is still served from another image. Remove that container (docker rm -f), then start one from ferry:2."

for _ in 1 2 3 4 5 6; do
    curl -fsS -m 1 -o /dev/null http://localhost:5000/ </dev/null 2>/dev/null && answered=yes && break
    sleep 0.4
done
[ "$answered" = yes ] ||
    fail "A container from ferry:2 has port 5000, but no page comes back. docker logs shows what the app said; mend app.py and build ferry:2 again."
echo "ferry:2 answers on port 5000. It shares every layer with ferry:1 except the last."
