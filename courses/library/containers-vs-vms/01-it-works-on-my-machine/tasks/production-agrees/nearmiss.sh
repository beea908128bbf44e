# The first cause is gone, and the app answers; the total is a hundred times too high.
pip install --quiet humanize==4.12.3 </dev/null
cd ~/tally || exit 1
setsid ./start </dev/null >/tmp/tally.log 2>&1 &
sleep 1
