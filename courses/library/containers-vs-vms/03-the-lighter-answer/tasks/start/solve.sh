docker rm -f cabin </dev/null >/dev/null 2>&1
docker run -d --name cabin --hostname cabin alpine sleep infinity </dev/null
