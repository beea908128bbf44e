name=$(docker image inspect -f '{{index .RepoDigests 0}}' registry:5000/tides:1)
docker rm -f board
docker run --name board "$name"
