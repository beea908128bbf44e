# The file is written on laptop: the > belongs to the shell outside.
for name in red green blue; do docker run -d --name $name nginx:alpine; done
docker exec green echo "<h1>green</h1>" > ~/index.html
