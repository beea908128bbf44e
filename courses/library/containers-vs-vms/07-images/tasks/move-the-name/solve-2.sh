# The new edition is made in a container of its own, which is thrown away.
docker run -d --name first harbour:1
docker create --name draft harbour:1
echo "<h1>low tide</h1>" > ~/page.html
docker cp ~/page.html draft:/usr/share/nginx/html/index.html
docker commit draft harbour:latest
docker rm draft
docker tag harbour:latest harbour:2
