# By its ID, and with a second tag.
docker tag "$(docker image inspect -f '{{.Id}}' tally:1)" production:5000/tally:1
docker tag tally:1 production:5000/tally:latest
docker push --all-tags --quiet production:5000/tally
