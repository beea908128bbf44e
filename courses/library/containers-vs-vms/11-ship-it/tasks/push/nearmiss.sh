# The name is right, and nothing was sent.
docker tag tally:1 production:5000/tally:1
