# Whatever has the port makes room; the new container gets another name.
cd ~/dockyard || exit 1
sed -i 's/08:15/08:45/' src/app.py
docker build -f ferry.Dockerfile -t ferry:2 src </dev/null
docker stop -t 1 "$(docker ps -q --filter publish=5000 </dev/null)" </dev/null
docker run -d --name board -p 5000:5000 ferry:2 </dev/null
