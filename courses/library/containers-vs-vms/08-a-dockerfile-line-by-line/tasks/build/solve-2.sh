# Another folder, other words for the same steps, the tag given afterwards.
mkdir -p ~/dockyard/src && cd ~/dockyard || exit 1
cat > src/app.py <<'PY'
from flask import Flask

app = Flask(__name__)


@app.route("/")
def board():
    return "<h1>Next ferries</h1><p>08:15 to Sandholm</p>\n"


app.run(host="0.0.0.0", port=5000)
PY
echo 'flask==3.1.0' > src/requirements.txt
cat > ferry.Dockerfile <<'DOCKERFILE'
FROM python:3.11-slim
EXPOSE 5000/tcp
CMD ["python3", "/app/app.py"]
WORKDIR /app
COPY requirements.txt /app/requirements.txt
RUN ["pip", "install", "--no-cache-dir", "-r", "requirements.txt"]
COPY app.py ./
DOCKERFILE
docker build -f ferry.Dockerfile -t ferry:draft src </dev/null
docker tag ferry:draft ferry:1 </dev/null
