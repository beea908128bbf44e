fail() { echo "$1"; exit 1; }
noted=/home/learner/chain.txt
[ -e "$noted" ] || fail "There is no ~/chain.txt yet. Write four names into it, one a line, beginning with what you type: docker"
[ -r "$noted" ] || fail "The file ~/chain.txt is not readable. Make it readable: chmod a+r ~/chain.txt"
# The first of the names that each line has; the shim may be named, between containerd and runc or behind.
found=$(head -c 4096 "$noted" | tr '[:upper:]' '[:lower:]' | sed 's/docker engine/dockerd/; s/docker client/docker/; s/docker daemon/dockerd/' |
    grep -oE 'containerd-shim|shim|containerd|dockerd|docker|runc' | grep -v shim | awk '!seen[$0]++' | paste -sd ' ')
[ "$found" != "docker dockerd containerd runc" ] || { echo "docker, dockerd, containerd, runc: each asks the next, and runc asks the kernel."; exit 0; }
for name in docker dockerd containerd runc; do
    [[ " $found " = *" $name "* ]] || fail "One program is missing in ~/chain.txt; found so far: ${found:-none}. docker version names the parts, and the first one is what you type."
done
fail "All four are there, but not in this order: $found. Who asks whom? Begin with what you type, and end with the one that starts the process."
