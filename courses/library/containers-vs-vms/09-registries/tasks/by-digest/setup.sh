# The colleague: another image under the same tag, made on this machine and not kept on it.
set -e
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'All ferries are cancelled today.\n' >"$work/tides.txt"
printf 'FROM alpine\nLABEL by=colleague\nCOPY tides.txt /tides.txt\nCMD ["cat", "/tides.txt"]\n' >"$work/Dockerfile"
mine=$(docker image inspect -f '{{.Id}}' registry:5000/tides:1)
docker build -q -t registry:5000/tides:1 "$work"
docker push -q registry:5000/tides:1
theirs=$(docker image inspect -f '{{.Id}}' registry:5000/tides:1)
docker tag "$mine" registry:5000/tides:1
docker image rm "$theirs"
