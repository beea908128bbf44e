fail() { echo "$1"; exit 1; }
setting() { docker image inspect -f "$1" ferry:1 </dev/null 2>/dev/null; }

docker image inspect ferry:1 </dev/null >/dev/null 2>&1 ||
    fail "There is no image ferry:1 on laptop yet. In ~/ferry, run: docker build -t ferry:1 ."

folder=$(setting '{{.Config.WorkingDir}}')
[ "${folder%/}" = /app ] ||
    fail "ferry:1 has '${folder:-/}' as its work folder. Set it with WORKDIR /app, then build again."

# Newest first: the last step that fills the image must be a copy, not the installation.
last_fill=$(docker history --no-trunc --format '{{.CreatedBy}}' ferry:1 </dev/null | grep -m1 -E 'COPY|ADD|RUN|pip3? ')
case $last_fill in
    *pip*install*) fail "In ferry:1 the library is installed after all files are copied. Copy requirements.txt, install, and only then copy the rest." ;;
    *COPY* | *ADD*) ;;
    *) fail "The last step of ferry:1 that fills the image copies no files. End with COPY . . after the installation, then build again." ;;
esac
docker history --no-trunc --format '{{.CreatedBy}}' ferry:1 </dev/null | grep -qE 'pip3? .*install' ||
    fail "No step of ferry:1 installs the library. Add RUN pip install -r requirements.txt, then build again."

setting '{{json .Config.ExposedPorts}}' | grep -q '"5000/tcp"' ||
    fail "ferry:1 does not note port 5000. Add EXPOSE 5000, then build again."

command=$(setting '{{json .Config.Entrypoint}} {{json .Config.Cmd}}')
case $command in
    *'/sh","-c"'* | *'/bash","-c"'*) fail "ferry:1 starts a shell that starts the app. Write CMD as a list, [\"python\", \"app.py\"], and build again." ;;
    *python*app.py*) ;;
    *) fail "ferry:1 does not start app.py. End the Dockerfile with CMD [\"python\", \"app.py\"] and build again." ;;
esac
echo "ferry:1 is built: work folder /app, port 5000 noted, python app.py as its command."
