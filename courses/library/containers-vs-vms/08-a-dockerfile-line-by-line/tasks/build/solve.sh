mkdir -p ~/ferry && cd ~/ferry || exit 1
cat > app.py <<'PY'
"""The departure board of a small ferry."""
from flask import Flask

HEADLINE = "Next ferries"
DEPARTURES = [
    ("08:15", "Sandholm"),
    ("09:40", "Lighthouse Island"),
    ("11:05", "Sandholm"),
]

app = Flask(__name__)


@app.get("/")
def board():
    rows = "".join(f"<li>{time} to {place}</li>" for time, place in DEPARTURES)
    return f"<h1>{HEADLINE}</h1><ul>{rows}</ul>\n"


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=5000)
PY
echo 'flask==3.1.0' > requirements.txt
cat > Dockerfile <<'DOCKERFILE'
FROM python:3.11-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY . .
EXPOSE 5000
CMD ["python", "app.py"]
DOCKERFILE
docker build -t ferry:1 . </dev/null
