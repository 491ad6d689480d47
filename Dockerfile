# The server: no TensorFlow, no Keras, no connection at run time. See docs/deploy.md.
FROM python:3.12-slim

WORKDIR /app
COPY backend/requirements.txt backend/constraints.txt backend/
RUN pip install --no-cache-dir -r backend/requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip install --no-cache-dir --no-deps . && useradd --uid 10001 --no-create-home fingerspell

USER fingerspell
ENV HOST=0.0.0.0 PORT=5000 FINGERSPELL_LOG=json PYTHONUNBUFFERED=1
EXPOSE 5000
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:5000/readyz', timeout=2)"]
ENTRYPOINT ["fingerspell", "serve"]
