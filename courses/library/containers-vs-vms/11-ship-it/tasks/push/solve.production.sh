docker rm -f registry
docker run -d --name registry -p 5000:5000 registry:2
until curl -fs -o /dev/null localhost:5000/v2/; do sleep 0.1; done
