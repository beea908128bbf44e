# A variable makes one program believe in 2001; the clock stays.
echo "export FAKETIME=2001-09-09" >> ~/.profile
TZ=UTC-8 date > ~/date.txt
