for name in left right; do
    docker rm -f $name </dev/null >/dev/null 2>&1
    docker run -d --name $name alpine sleep infinity </dev/null
done
docker kill left </dev/null
