# The network is there, and the store runs, but on the default network.
docker network create quay
docker run -d --name store redis:alpine
