# One image for every service: docker build --build-arg SERVICE=chat .
FROM python:3.13-slim AS build
ARG SERVICE
WORKDIR /build
RUN python -m venv /opt/venv
COPY ${SERVICE}-service/requirements.lock ./
RUN /opt/venv/bin/python -m pip install -q --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock
COPY chassis ./chassis
COPY ${SERVICE}-service ./service
RUN /opt/venv/bin/python -m pip install -q --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation \
    ./chassis ./service

FROM python:3.13-slim
ARG SERVICE
RUN useradd --system --uid 10001 --no-create-home deepthinks && install -d -o 10001 -g 10001 -m 0700 /data
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    SERVICE_MODULE=${SERVICE}_service SERVICE_HOST=0.0.0.0 SERVICE_PORT=8000 SERVICE_DATA=/data
USER 10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health/ready', timeout=2)"]
CMD ["sh", "-c", "exec python -m \"$SERVICE_MODULE\""]
