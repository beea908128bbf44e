# From inside: the kernel protects process 1 of a PID namespace from its own children.
for name in left right; do docker run -d --name $name alpine sleep infinity </dev/null; done
docker exec left kill -9 1 </dev/null
true
