# Without the engine's help: by the number that the process has on box.
for name in left right; do
    docker rm -f $name </dev/null >/dev/null 2>&1
    docker run -d --name $name alpine sh -c 'sleep 3000; true' </dev/null
done
kill -KILL "$(docker inspect -f '{{.State.Pid}}' left </dev/null)"
sleep 0.5
