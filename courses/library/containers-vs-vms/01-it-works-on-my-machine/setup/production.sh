# The library that tally uses, in the version that production happens to have. Unpacking the wheel is what pip would
# do, in a tenth of the time; machine.pth in the learner's home puts the folder on Python's path.
set -e
umask 022
python3 -m zipfile -e /usr/share/slipway/wheels/humanize-3.14.0-*.whl /opt/python </dev/null
