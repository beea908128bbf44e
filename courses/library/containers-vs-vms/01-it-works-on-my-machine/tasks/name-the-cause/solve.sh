printf 'humanize\nTALLY_LOCALE\n' > ~/why.txt
