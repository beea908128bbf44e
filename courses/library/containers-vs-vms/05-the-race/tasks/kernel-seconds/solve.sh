su - -c dmesg | sed -n 's/^\[ *\([0-9.]*\)\] Run .* as init process.*/\1/p' > ~/seconds.txt
