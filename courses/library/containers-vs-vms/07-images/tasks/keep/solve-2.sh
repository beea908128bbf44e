# From a recipe instead of from a container.
mkdir -p ~/harbour && cd ~/harbour || exit 1
echo "<h1>harbour</h1>" > page.html
printf 'FROM nginx:alpine\nCOPY page.html /usr/share/nginx/html/index.html\n' > Dockerfile
docker build -t harbour:1 .
