fail() { echo "$1"; exit 1; }
grep -q de_DE ~/.config/tally.env 2>/dev/null ||
    fail "The setting of production was changed. Put TALLY_LOCALE=de_DE back into ~/.config/tally.env: the image makes that repair needless."
accept='Accept: application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json'
shipped=$(curl -fsS -m 3 -H "$accept" http://localhost:5000/v2/tally/manifests/1 2>/dev/null | jq -r '.config.digest // empty')
[ -n "$shipped" ] || fail "The registry on production does not have tally:1. Push it from laptop first."
id=$(docker ps -q --filter publish=8080 | head -n 1)
[ -n "$id" ] || fail "No container on production has port 8080. Start one: docker run -d --name tally -p 8080:5000 production:5000/tally:1"
[ "$(docker inspect -f '{{.Image}}' "$id")" = "$shipped" ] ||
    fail "The container on port 8080 runs from $(docker inspect -f '{{.Config.Image}}' "$id"), which is not the image that was pushed as tally:1. Remove it and start production:5000/tally:1."
for _ in 1 2 3 4 5 6; do
    said=$(curl -fsS -m 2 "http://$(hostname -i | awk '{print $1}'):8080/total" 2>/dev/null) && break
    sleep 0.4
done
case $said in
    *": 41.30 EUR") echo "production answers 41.30 EUR from the image that laptop built: ${shipped:0:19}…" ;;
    *"4130.00 EUR") fail "production answers 4130.00: the container was started with the German setting of production. Start it without --env-file and -e." ;;
    *) fail "Port 8080 does not lead to tally. The app listens on port 5000 in its container: docker run -d --name tally -p 8080:5000 production:5000/tally:1" ;;
esac
