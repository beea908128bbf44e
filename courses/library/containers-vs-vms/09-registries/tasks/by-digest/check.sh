fail() { echo "$1"; exit 1; }
at=http://registry:5000/v2
accept='Accept: application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json'
name=$(docker inspect --type container -f '{{.Config.Image}}' board 2>/dev/null) ||
    fail "There is no container named board on laptop yet. Start one: docker run --name board registry:5000/tides@sha256:<your digest>"
case $name in
    registry:5000/tides@sha256:*) ;;
    *) fail "board was started from $name. Remove it (docker rm -f board) and name the image by its digest: registry:5000/tides@sha256:..." ;;
esac
curl -fsS -m 3 -o /dev/null -H "$accept" "$at/tides/manifests/${name#*@}" 2>/dev/null ||
    fail "The registry does not answer for that digest. Is it still running on the machine registry?"
moved=$(curl -fsS -m 3 -H "$accept" $at/tides/manifests/1 2>/dev/null | sha256sum)
[ "${name#*@sha256:}" != "${moved%% *}" ] ||
    fail "board runs from what the tag points at now: your colleague's image, or yours, if you have moved the tag back. Take the digest that docker image ls --digests shows beside your own image."
docker run --rm --network none "$name" 2>/dev/null | grep -qi 'water' ||
    fail "That digest is another of your images and does not print the table of tides:1. Compare the lines of docker image ls --digests registry:5000/tides."
docker run --rm --network none "$name" 2>/dev/null | grep -q 'corrected' &&
    fail "That digest is the one of tides:2, with the corrected table. Take the one of the first push."
echo "board was made from your image, whatever the tag says by now."
