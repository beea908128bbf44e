fail() { echo "$1"; exit 1; }
read_setting() { docker inspect --type container -f "$1" cabin </dev/null 2>/dev/null; }

state=$(read_setting '{{.State.Status}}') ||
    fail "There is no container named cabin on docker yet. Start one: docker run -d --name cabin --hostname cabin alpine sleep infinity"
[ "$(read_setting '{{.Image}}')" = "$(docker image inspect -f '{{.Id}}' alpine </dev/null 2>/dev/null)" ] ||
    fail "cabin was made from the image $(read_setting '{{.Config.Image}}'). Remove it (docker rm -f cabin) and make it from alpine."
[ "$state" = running ] ||
    fail "cabin exists, but its state is '$state': its first process has ended or was never started. Remove it (docker rm -f cabin) and give it a program that lasts, such as sleep infinity."
[ "$(read_setting '{{.Config.Hostname}}')" = cabin ] ||
    fail "cabin runs, but its hostname is $(read_setting '{{.Config.Hostname}}'). Remove it (docker rm -f cabin) and start it again with --hostname cabin."
echo "cabin is running, from the image alpine."
