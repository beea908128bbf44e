fail() { echo "$1"; exit 1; }
at=http://production:5000/v2
curl -fsS -m 3 -o /dev/null $at/ 2>/dev/null ||
    fail "No registry answers at production:5000 yet. On production, run: docker run -d --name registry -p 5000:5000 registry:2"
accept='Accept: application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json'
there=$(curl -fsS -m 3 -H "$accept" $at/tally/manifests/1 2>/dev/null | jq -r '.config.digest // empty')
[ -n "$there" ] || fail "The registry has no tally:1 yet. On laptop: docker tag tally:1 production:5000/tally:1, then docker push production:5000/tally:1"
here=$(docker image inspect -f '{{.Id}}' tally:1 2>/dev/null) || fail "tally:1 is gone from laptop. Build it again in ~/tally."
[ "$there" = "$here" ] || fail "The registry's tally:1 is another image than laptop's: it was built again since. Tag the present one and push it."
echo "The registry holds laptop's tally:1, ${here:0:19}…"
