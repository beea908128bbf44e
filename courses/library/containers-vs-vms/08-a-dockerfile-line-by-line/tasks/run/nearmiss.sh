# EXPOSE is in the image, so it looks as if the port were open.
docker run -d --name ferry ferry:1 </dev/null
