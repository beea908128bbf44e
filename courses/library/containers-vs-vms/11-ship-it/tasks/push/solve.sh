docker tag tally:1 production:5000/tally:1
docker push production:5000/tally:1
