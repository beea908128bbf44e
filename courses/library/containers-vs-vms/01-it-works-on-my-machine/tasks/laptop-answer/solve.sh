cd ~/tally || exit 1
setsid ./start </dev/null >/tmp/tally.log 2>&1 &
sleep 1
