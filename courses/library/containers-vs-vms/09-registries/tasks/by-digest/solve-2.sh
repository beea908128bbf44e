# All local copies are gone; the digest was noted, and the image comes back from the registry.
name=$(docker image inspect -f '{{index .RepoDigests 0}}' registry:5000/tides:1)
docker image rm -f "$(docker image inspect -f '{{.Id}}' registry:5000/tides:1)"
docker pull "$name"
docker create --name board "$name"
