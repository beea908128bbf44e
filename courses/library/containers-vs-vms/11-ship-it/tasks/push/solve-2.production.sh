docker run -d --name depot -v depot:/var/lib/registry -p 5000:5000 registry
until curl -fs -o /dev/null localhost:5000/v2/; do sleep 0.1; done
