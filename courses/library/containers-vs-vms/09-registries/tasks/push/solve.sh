mkdir -p ~/tides && cd ~/tides || exit 1
printf 'North Quay, high water\n06:12  3.4 m\n18:40  3.6 m\n' > tides.txt
printf 'FROM alpine\nCOPY tides.txt /tides.txt\nCMD ["cat", "/tides.txt"]\n' > Dockerfile
docker build -t tides:1 .
docker tag tides:1 registry:5000/tides:1
docker push registry:5000/tides:1
