# By digest, but the digest of what the tag has become.
docker pull registry:5000/tides:1
docker run --name board "$(docker image inspect -f '{{index .RepoDigests 0}}' registry:5000/tides:1)"
# As a learner may do next: back to the image that was built here.
docker tag "$(docker image inspect -f '{{.Id}}' tides:1 2>/dev/null)" registry:5000/tides:1
