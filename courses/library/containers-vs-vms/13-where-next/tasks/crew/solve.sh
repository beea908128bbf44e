docker swarm init
docker service create --detach --name crew --replicas 4 alpine sleep infinity
members() { docker ps -q --filter label=com.docker.swarm.service.name=crew; }
until [ "$(members | wc -l)" = 4 ]; do sleep 0.2; done
docker rm -f "$(members | head -n 1)"
