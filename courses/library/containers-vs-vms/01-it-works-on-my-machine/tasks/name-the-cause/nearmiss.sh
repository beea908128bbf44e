# The library is right. The receipt is the same on both machines, though.
printf 'humanize 3.14.0 is too old\nreceipt.csv has other prices\n' > ~/why.txt
