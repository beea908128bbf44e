docker rm -f red green blue
for name in red green blue; do docker run -d --name $name nginx:alpine; done
docker exec green sh -c 'echo "<h1>green</h1>" > /usr/share/nginx/html/index.html'
