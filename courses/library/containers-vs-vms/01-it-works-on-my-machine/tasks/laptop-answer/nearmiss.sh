# Started in the foreground and ended with Ctrl-C: it did run, but it no longer does.
cd ~/tally || exit 1
timeout --signal=INT 1 ./start </dev/null
exit 0
