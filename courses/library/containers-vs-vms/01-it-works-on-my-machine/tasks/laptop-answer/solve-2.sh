# Without the start script: the app reads its settings from the environment.
cd ~/tally || exit 1
TALLY_LOCALE=en_US nohup python3 app.py </dev/null >/tmp/tally.log 2>&1 &
sleep 1
