fail() { echo "$1"; exit 1; }
at=http://registry:5000/v2
curl -fsS -m 3 -o /dev/null $at/ 2>/dev/null ||
    fail "No registry answers at registry:5000. Start it on the machine registry, with -p 5000:5000."
accept='application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json'
manifest=$(curl -fsS -m 3 -H "Accept: $accept" $at/tides/manifests/1 2>/dev/null) ||
    fail "The registry has no tides:1 yet; it has $(curl -s -m 3 $at/_catalog). Tag your image registry:5000/tides:1, then push it."
id=$(jq -r '.config.digest // empty' <<<"$manifest")
local_id=$(docker image inspect -f '{{.Id}}' registry:5000/tides:1 2>/dev/null) ||
    fail "The registry has a tides:1, but laptop has no registry:5000/tides:1. Tag your image so, and push it."
[ "$id" = "$local_id" ] ||
    fail "The registry's tides:1 is another image than laptop's. Tag yours registry:5000/tides:1 and push it once more."
docker run --rm --network none registry:5000/tides:1 2>/dev/null | grep -qi water ||
    fail "tides:1 is in the registry, but a container of it does not print the table. Build it from the two files, then push it again."
echo "The registry holds tides:1, and it is your image: ${id:0:19}…"
