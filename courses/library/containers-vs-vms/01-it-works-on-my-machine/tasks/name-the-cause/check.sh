fail() { echo "$1"; exit 1; }
noted=/home/learner/why.txt
[ -e "$noted" ] || fail "There is no ~/why.txt on laptop yet. Write two lines into it: the library that differs, and the setting."
[ -r "$noted" ] || fail "The file ~/why.txt is not readable. Make it readable: chmod a+r ~/why.txt"
grep -qiE 'humani[sz]e' "$noted" && library=found
grep -qiE 'locale|de_DE' "$noted" && setting=found

case $library,$setting in
    found,found) echo "Both causes are named: the library humanize, and the setting TALLY_LOCALE." ;;
    found,) fail "You found the library. The second cause is not a library and not in ~/tally: print the settings that ~/tally/start reads, on both machines." ;;
    ,found) fail "You found the setting. The other cause is a library: compare pip list on both machines, and write its name as printed there." ;;
    *) fail "Neither cause is in ~/why.txt yet. Compare pip list on both machines, and the settings file that ~/tally/start reads." ;;
esac
