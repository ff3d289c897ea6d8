# The agent in a container, for deploy/kubernetes and deploy/compose; see docs/scale.md.
# Linux on x86-64: the locked requirements are wheels for it.
FROM python:3.13-slim

ENV PYTHONUTF8=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    MALLOC_ARENA_MAX=2 BIND_HOST=0.0.0.0 PORT=5000

WORKDIR /srv/agent
# As start_all.sh installs them: docopt alone has no wheel, and is built by the setuptools of the first file.
COPY requirements-build.txt requirements.txt ./
RUN pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: -r requirements-build.txt \
    && pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: --no-binary docopt --use-pep517 \
    --no-build-isolation -r requirements.txt
COPY server server
RUN useradd --uid 10001 --create-home agent && mkdir state && chown agent state
USER 10001

EXPOSE 5000
STOPSIGNAL SIGTERM
CMD ["gunicorn", "-c", "server/gunicorn_conf.py", "server.app:create_app()"]
