year=$(date +%Y)
if [ "$year" = 2001 ]; then
    echo "On house it is $(date '+%d %B %Y'). Nobody else's clock has moved."
    exit 0
fi
echo "On house it is $year. As root, set its clock back to a day in 2001: date -s"
exit 1
