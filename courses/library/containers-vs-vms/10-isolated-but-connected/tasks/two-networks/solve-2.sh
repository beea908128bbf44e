# The guest was on the wrong network first and is moved.
docker network create annex
docker network connect annex web
docker run -d --name guest --network quay alpine sleep 1d
docker network connect annex guest
docker network disconnect quay guest
