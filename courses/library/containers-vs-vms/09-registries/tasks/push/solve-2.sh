# Named for the registry from the start, and made by hand.
docker run --name draft alpine sh -c 'printf "High water 06:12 and 18:40\n" > /tides.txt'
docker commit --change 'CMD ["cat", "/tides.txt"]' draft registry:5000/tides:1
docker push --quiet registry:5000/tides:1
