fail() { echo "$1"; exit 1; }
docker image inspect tally:1 >/dev/null 2>&1 ||
    fail "There is no image tally:1 on laptop yet. In ~/tally, run: docker build -t tally:1 ."
command=$(docker image inspect -f '{{json .Config.Entrypoint}} {{json .Config.Cmd}}' tally:1)
grep -q 'app\.py' <<<"$command" ||
    fail "tally:1 does not start app.py by itself. End the Dockerfile with CMD [\"python\", \"app.py\"] and build again."
# The app's own function, in a container that has nothing but the image.
said=$(docker run --rm --network none --entrypoint python tally:1 -c 'import app; print(app.answer())' 2>&1 | sed '/^$/d' | tail -n 1)
case $said in
    *": 41.30 EUR") echo "A container of tally:1 adds up to 41.30 EUR, with nothing from its host." ;;
    *"4130.00 EUR") fail "A container of tally:1 says 4130.00. The image has the German setting: make it ENV TALLY_LOCALE=en_GB and build again." ;;
    *humanize*) fail "In tally:1 the library is missing: $said. Add RUN pip install -r requirements.txt and build again." ;;
    *"No module named 'app'"*) fail "In tally:1 app.py is not in the work folder. Use WORKDIR /app and COPY . . and build again." ;;
    *) fail "A container of tally:1 does not add up the receipt; it says: ${said:0:150}" ;;
esac
