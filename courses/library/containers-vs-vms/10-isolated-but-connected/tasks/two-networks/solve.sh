docker rm -f guest
docker network inspect annex || docker network create annex
docker run -d --name guest --network annex alpine sleep infinity
docker network connect annex web
