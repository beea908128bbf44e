docker run -d --name first harbour:1
docker exec first sh -c 'echo "<h1>second edition</h1>" > /usr/share/nginx/html/index.html'
docker commit first harbour:2
docker tag harbour:2 harbour:latest
