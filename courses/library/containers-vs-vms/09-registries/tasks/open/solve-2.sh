# Another name, and the storage on a volume, as one would do for longer use.
docker volume create images
docker create --name depot -v images:/var/lib/registry -p 0.0.0.0:5000:5000 registry
docker start depot
