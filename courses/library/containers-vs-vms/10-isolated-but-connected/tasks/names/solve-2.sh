# Another name, plugged in later, and known on quay as store all the same.
docker network create --driver bridge --subnet 172.30.0.0/24 quay
docker create --name store redis:7-alpine
docker network connect --alias storage quay store
docker start store
