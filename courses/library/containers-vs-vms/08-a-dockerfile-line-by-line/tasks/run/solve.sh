docker rm -f ferry </dev/null >/dev/null 2>&1
docker run -d --name ferry -p 5000:5000 ferry:1 </dev/null
