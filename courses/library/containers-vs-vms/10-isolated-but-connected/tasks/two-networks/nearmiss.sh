# It reaches web now, and the store along with it.
docker network create annex
docker run -d --name guest --network annex alpine sleep infinity
docker network connect quay guest
