fail() { echo "$1"; exit 1; }
[ "$(docker info -f '{{.Swarm.LocalNodeState}}' 2>/dev/null)" = active ] ||
    fail "No orchestrator is active on laptop yet. Switch it on: docker swarm init"
wanted=$(docker service inspect -f '{{.Spec.Mode.Replicated.Replicas}}' crew 2>/dev/null) ||
    fail "There is no service crew yet. Create it: docker service create --detach --name crew --replicas 4 alpine sleep infinity"
docker service inspect -f '{{.Spec.TaskTemplate.ContainerSpec.Image}}' crew | grep -q '^alpine' ||
    fail "The service crew does not run alpine. Remove it (docker service rm crew) and create it from alpine."
[ "$wanted" = 4 ] || fail "The service crew wants $wanted copies. Make it four: docker service scale --detach crew=4"
# A lost copy is noticed at once or a moment later, and replaced after about five seconds.
while ((SECONDS < 10)); do
    states=$(docker service ps crew --format '{{.DesiredState}} {{.CurrentState}}')
    running=$(grep -c '^Running Running' <<<"$states")
    lost=$(grep -cE '^(Shutdown|Remove) (Failed|Complete)' <<<"$states")
    ((running == 4 && lost > 0)) && break
    sleep 0.5
done
((running == 4)) || fail "$running of four copies are running. Wait some seconds; docker service ps crew tells what is going on."
((lost > 0)) ||
    fail "Four copies run, and none of them was ever lost. Be the accident: docker rm -f one of the containers of crew, then wait."
echo "Four copies run, and a lost one was replaced without anybody asking for it."
