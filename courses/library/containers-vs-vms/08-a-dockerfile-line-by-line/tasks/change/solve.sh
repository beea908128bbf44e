cd ~/ferry || exit 1
sed -i 's/Next ferries/Next ferries from North Quay/' app.py
docker build -t ferry:2 . </dev/null
docker rm -f ferry </dev/null
docker run -d --name ferry -p 5000:5000 ferry:2 </dev/null
