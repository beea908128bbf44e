# A Python environment of its own, and no settings file at all: tally then reads prices as in en_GB.
python3 -m venv ~/surroundings </dev/null
~/surroundings/bin/pip install --quiet humanize </dev/null
rm ~/.config/tally.env
cd ~/tally || exit 1
PATH=~/surroundings/bin:$PATH setsid ./start </dev/null >/tmp/tally.log 2>&1 &
sleep 1
