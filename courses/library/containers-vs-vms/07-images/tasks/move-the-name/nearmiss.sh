# Two names more, and still one image.
docker run -d --name first harbour:1
docker tag harbour:1 harbour:2
docker tag harbour:2 harbour:latest
docker rm -f first
