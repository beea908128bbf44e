# Fewer at first, one of them killed by its process, and four wanted only afterwards.
docker swarm init --advertise-addr lo
docker service create --detach --name crew --replicas 2 --restart-delay 1s alpine:3 sleep 1d
members() { docker ps -q --filter label=com.docker.swarm.service.name=crew; }
until [ "$(members | wc -l)" = 2 ]; do sleep 0.2; done
docker kill "$(members | tail -n 1)"
docker service scale --detach crew=4
