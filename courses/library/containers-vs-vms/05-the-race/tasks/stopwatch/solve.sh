TIMEFORMAT=%R
for n in 1 2 3 4 5; do
    time docker run --rm alpine true </dev/null >/dev/null
done 2> ~/starts.txt
