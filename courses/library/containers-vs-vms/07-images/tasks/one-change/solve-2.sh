# The page is written outside and carried in before green is started.
docker run -d --name red nginx
docker run -d --name blue nginx:stable
docker create --name green nginx:alpine
echo "<h1>starboard</h1>" > ~/index.html
docker cp ~/index.html green:/usr/share/nginx/html/index.html
docker start green
