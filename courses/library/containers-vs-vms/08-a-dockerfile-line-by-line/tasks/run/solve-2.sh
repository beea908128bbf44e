# No name chosen, created first and started later, the address written out.
id=$(docker create --publish 0.0.0.0:5000:5000/tcp ferry:1 </dev/null)
docker start "$id" </dev/null
