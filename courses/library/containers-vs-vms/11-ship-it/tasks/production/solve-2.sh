# By digest, and the registry by its other name.
accept='Accept: application/vnd.docker.distribution.manifest.v2+json'
digest=$(curl -s -H "$accept" localhost:5000/v2/tally/manifests/1 | sha256sum | cut -d' ' -f1)
docker run -d --restart unless-stopped -p 8080:5000 "localhost:5000/tally@sha256:$digest"
