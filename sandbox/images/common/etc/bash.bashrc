# Read by every interactive bash of a Slipway machine, login or not. Scripts (`bash -s`, `bash -c`) never get past the next line.
case $- in *i*) ;; *) return ;; esac
. /usr/share/slipway/interactive.bash
