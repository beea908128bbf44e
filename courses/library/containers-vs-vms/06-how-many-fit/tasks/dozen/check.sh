running=$(docker ps -q --filter ancestor=alpine --filter status=running </dev/null | wc -l)
if [ "$running" -ge 12 ]; then
    echo "$running containers from alpine run side by side, from one copy of the image."
    exit 0
fi
ended=$(docker ps -aq --filter ancestor=alpine --filter status=exited </dev/null | wc -l)
echo "$running of 12 containers from alpine are running, and $ended have ended. Start more, with a program that lasts."
exit 1
