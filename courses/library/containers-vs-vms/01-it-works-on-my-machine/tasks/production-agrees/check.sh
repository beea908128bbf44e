fail() { echo "$1"; exit 1; }
app=/home/learner/tally
same() { echo "$2  $app/$1" | sha256sum --check --status 2>/dev/null; }

same app.py b4b109f924aac4e35a0c6d523935ef4a03f6d99bfe2f0edd4275f248999f76ad ||
    fail "The file ~/tally/app.py is not as it was delivered. Copy it back (Reset does), and change the machine around it instead."
same receipt.csv 3265e9df69951f7dcc85659322451c2e54235f9243c6b2ff239f0feaecec3f99 ||
    fail "The file ~/tally/receipt.csv is not as it was delivered. Put the prices back (Reset does), and change the setting instead."

for _ in 1 2 3 4; do
    answer=$(curl -fsS -m 2 http://localhost:5000/total </dev/null 2>/dev/null) && break
    sleep 0.25
done
case $answer in
    *": 41.30 EUR") echo "production answers with 41.30 EUR, as laptop does, and the app is unchanged." ;;
    *": 4130.00 EUR") fail "production answers 4130.00 EUR. The library fits; the number setting of this tally does not. Change it in ~/.config/tally.env, then stop tally and start it again." ;;
    "") fail "Nothing on production answers http://localhost:5000/total. Start tally: cd ~/tally; ./start. If it stops, its last line says what is missing." ;;
    *) fail "Something answers on port 5000 of production, but not with the laptop's total. Stop it, then start tally: cd ~/tally; ./start &" ;;
esac
