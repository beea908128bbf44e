docker rm -f store
docker network create quay || docker network inspect quay
docker run -d --name store --network quay redis:alpine
