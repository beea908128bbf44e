fail() { echo "$1"; exit 1; }
# By the address that other machines use, not by localhost.
for _ in 1 2 3 4 5 6 7 8; do
    said=$(curl -fsSi -m 2 "http://$(hostname -i | awk '{print $1}'):5000/v2/" 2>/dev/null) && break
    sleep 0.25
done
if [ -z "$said" ]; then
    curl -fsS -m 2 -o /dev/null http://localhost:5000/v2/ 2>/dev/null &&
        fail "A registry answers on this machine, but only at localhost. Remove it and publish the port for others too: -p 5000:5000"
    [ -z "$(docker ps -q --filter ancestor=registry:2)" ] ||
        fail "A registry runs, but port 5000 of this machine does not lead to it. Remove it and start it with -p 5000:5000."
    fail "Nothing answers at http://registry:5000/v2/ yet. On the machine registry, run: docker run -d --name registry -p 5000:5000 registry:2"
fi
grep -qi '^docker-distribution-api-version: registry/2' <<<"$said" ||
    fail "Something answers on port 5000, but it is no registry. Stop it, then start the image registry:2 with -p 5000:5000."
echo "A registry answers at http://registry:5000, for other machines too."
