docker rm -f tally
docker pull production:5000/tally:1
docker run -d --name tally -p 8080:5000 production:5000/tally:1
