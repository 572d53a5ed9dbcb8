# The app in a container: not as root, and nothing is written but in the volume /data and in /tmp.
# docs/running/install.md has the commands, also for a graphics card.
FROM python:3.12-slim AS build
# Address of an index with torch's builds for processors alone; without it torch brings its CUDA libraries.
ARG TORCH_INDEX_URL=""
WORKDIR /app
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements.lock requirements.txt ./
RUN python -m venv /opt/llamacare && \
    /opt/llamacare/bin/pip install --no-deps --require-hashes -r requirements.lock && \
    /opt/llamacare/bin/pip install ${TORCH_INDEX_URL:+--index-url "${TORCH_INDEX_URL}"} "$(grep '^torch==' requirements.txt)"
COPY . .
RUN /opt/llamacare/bin/pip install --no-deps --no-build-isolation --editable .

FROM python:3.12-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin llamacare && \
    mkdir --parents /data/tmp && chown --recursive llamacare /data
COPY --from=build /opt/llamacare /opt/llamacare
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/opt/llamacare/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/data/tmp \
    TMPDIR=/data/tmp \
    HF_HOME=/data/cache/huggingface \
    LLAMACARE_HOME=/data \
    LLAMACARE_LOG=json \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0
USER 10001
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://localhost:8501/healthz', timeout=9)"]
CMD ["streamlit", "run", "streamlit_app/app.py"]
