# Builds and runs, but each edit of app.py would install everything anew.
mkdir -p ~/ferry && cd ~/ferry || exit 1
cat > app.py <<'PY'
from flask import Flask

app = Flask(__name__)


@app.get("/")
def board():
    return "<h1>Next ferries</h1>\n"


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=5000)
PY
echo 'flask==3.1.0' > requirements.txt
cat > Dockerfile <<'DOCKERFILE'
FROM python:3.11-slim
WORKDIR /app
COPY . .
RUN pip install -r requirements.txt
EXPOSE 5000
CMD ["python", "app.py"]
DOCKERFILE
docker build -t ferry:1 . </dev/null
