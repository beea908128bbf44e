. /usr/share/slipway/interactive.bash
