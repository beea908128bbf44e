# Four are wanted and four run, but nothing ever happened to them.
docker swarm init
docker service create --detach --name crew --replicas 4 alpine sleep infinity
